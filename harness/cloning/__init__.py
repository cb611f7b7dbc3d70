"""How to ask a cloning model: the conversation, the reference, how long it may speak, when it has finished.

Where the original design and the released model disagree
    The design was written before the model could be run. The model wins; each point has a test.

    1. *The conversation.* The design puts `<|audio_bos|><|AUDIO|><|audio_eos|>` into the user's turn. The released
       model fills only `<|AUDIO_OUT|>`, which the template writes for an assistant's turn; the other marks stay plain
       tokens with no sound behind them, and in the original code they take the reference's codes away, so that the
       voice is not cloned and nothing says so. `harness.backends.higgs.proof` looks at what the processor made of
       the conversation, and refuses a prompt without the reference's codes.
    2. *Two pathways.* The design feeds the reference through Whisper and through the codec. The generation model has no
       Whisper encoder; the reference reaches it as codec codes alone. `reference.ReferenceFeatures` holds both, and
       `reference.whisper_inputs` passes the features on only to a model whose config says that it encodes them.
    3. *Codebooks.* Eight of 1,024 codes at 25 frames a second, not twelve.
    4. *The budget.* The formula counts frames of audio. The model needs nine columns more to open and close its eight
       delayed streams; without them the last 0.36 s of every take that uses its budget are cut.
       `budget.BudgetConfig.columns` adds them.
    5. *The end.* The design looks for `<|audio_eos|>` among the last text tokens. The released port never generates
       it: a take has ended when all eight codebooks give the stream's end code in one column (`termination`).
    6. *Greedy is not deterministic.* The repetition window draws again from the raw logits even without sampling;
       a greedy run must turn it off.
    7. *Starts.* The design's sample record gives starts and ends of the waveforms; the field holds starts only, one
       for each audio, or the audios are counted twice (`dataset_sample`).
    8. *Sampling.* 0.3 / 50 / 0.95 is the documented setting, not the checkpoint's own (1.0 / 50 / 0.95); it is passed
       explicitly, and the repetition window of 7 columns and 2 repeats, which the design does not name, is kept.
"""
