"""Many texts under one Whisper decoder at once: equal beginnings are computed once, and more texts may follow.

Conventions
    A node is one token after the tokens that lead to it; node 0 stands for the tokens that every text begins with. What
    a node says is the log-probability of each token that may follow it, in nats, shape (vocabulary,). A frame of the
    attention is one step of the encoder, 20 ms.

Source: the decoder of Radford et al. (2022); word times by dynamic time warping of the cross-attention heads that the
model's authors name, as in their `find_alignment` (median over 7 frames, normalised over tokens).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEDIAN_FRAMES = 7
FRAME_S = 0.02

Floats = NDArray[np.float32]


class TextTree:
    """The texts that were asked of one encoded window."""

    def __init__(self, model: Any, states: Any, start: Sequence[int]) -> None:
        """Begin with the tokens of the start.

        Args:
            model: WhisperForConditionalGeneration.
            states: What its encoder made of the window, shape (frames, width).
            start: The tokens that every text begins with.
        """
        self._model, self._decoder = model, model.model.decoder
        self._heads = [tuple(pair) for pair in getattr(model.generation_config, "alignment_heads", None) or []]
        import torch

        with torch.inference_mode():
            self._sound = [
                tuple(self._split(part(states)) for part in (layer.encoder_attn.k_proj, layer.encoder_attn.v_proj))
                for layer in self._decoder.layers
            ]
        self._kept: list[tuple[Any, Any]] = []
        self._tokens: list[int] = []
        self._lines: list[tuple[int, ...]] = []  # the rows that each row sees, itself the last
        self._next: dict[tuple[int, int], int] = {}
        self._said: list[Floats] = []
        self._attention: list[Floats] = []
        rows = [(token, tuple(range(place + 1))) for place, token in enumerate(start)]
        self._grow(rows)
        self._first = len(start) - 1

    @property
    def room(self) -> int:
        """How many tokens a text may have, its end among them."""
        return int(self._model.config.max_target_positions) - self._first - 1

    @property
    def aligns(self) -> bool:
        """Whether the model names heads that look where a word is spoken."""
        return bool(self._heads)

    def add(self, texts: Sequence[Sequence[int]]) -> list[list[int]]:
        """The nodes of the tokens of each text, in one pass for those that are new."""
        new: list[tuple[int, tuple[int, ...]]] = []
        found = []
        for text in texts:
            row, line, nodes = self._first, self._lines[self._first], []
            for token in text:
                step = row, token
                if step not in self._next:
                    self._next[step] = len(self._lines) + len(new)
                    new.append((token, (*line, self._next[step])))
                row = self._next[step]
                line = (*line, row)
                nodes.append(row - self._first)
            found.append(nodes)
        self._grow(new)
        return found

    def says(self, node: int) -> Floats:
        """The log-probability of each token after a node."""
        return self._said[node + self._first]

    def attention(self, nodes: Sequence[int]) -> Floats:
        """Where each node looks, shape (nodes, frames): of each alignment head, cleaned, and their mean.

        Raises:
            ValueError: The model names no alignment heads.
        """
        if not self._heads:
            raise ValueError("this model names no alignment heads")
        from scipy.ndimage import median_filter

        looks = np.stack([self._attention[node + self._first] for node in nodes], axis=1)  # heads, nodes, frames
        looks = (looks - looks.mean(axis=1, keepdims=True)) / (looks.std(axis=1, keepdims=True) + 1e-9)
        mean: Floats = median_filter(looks, (1, 1, MEDIAN_FRAMES)).mean(axis=0)
        return mean

    def _split(self, rows: Any) -> Any:
        """Rows of a width as heads, shape (heads, rows, width of a head)."""
        heads = self._model.config.decoder_attention_heads
        return rows.view(rows.shape[0], heads, -1).transpose(0, 1)

    def _grow(self, new: Sequence[tuple[int, tuple[int, ...]]]) -> None:
        if not new:
            return
        import torch

        before = len(self._lines)
        self._tokens += [token for token, _ in new]
        self._lines += [line for _, line in new]
        sees = np.zeros((len(new), len(self._lines)), bool)
        for number, (_, line) in enumerate(new):
            sees[number, list(line)] = True
        with torch.inference_mode():
            device = self._sound[0][0].device
            mask = torch.as_tensor(sees, device=device)
            places = torch.tensor([len(line) - 1 for _, line in new], device=device)
            tokens = torch.tensor([token for token, _ in new], device=device)
            decoder = self._decoder
            hidden = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[places]
            looks = []
            for number, layer in enumerate(decoder.layers):
                hidden = hidden + self._of_texts(number, layer.self_attn, layer.self_attn_layer_norm(hidden), mask)
                spoken, weights = self._of_sound(number, layer.encoder_attn, layer.encoder_attn_layer_norm(hidden))
                looks += [weights[head] for of, head in self._heads if of == number]
                hidden = hidden + spoken
                inner = layer.activation_fn(layer.fc1(layer.final_layer_norm(hidden)))
                hidden = hidden + layer.fc2(inner)
            said = self._model.proj_out(decoder.layer_norm(hidden)).log_softmax(dim=-1).cpu().numpy()
            self._said += list(said)
            if looks:
                self._attention += list(torch.stack(looks, dim=1).cpu().numpy())
        assert len(self._said) == before + len(new)

    def _of_texts(self, number: int, attention: Any, rows: Any, mask: Any) -> Any:
        import torch

        keys, values = self._split(attention.k_proj(rows)), self._split(attention.v_proj(rows))
        if number < len(self._kept):
            keys = torch.cat([self._kept[number][0], keys], dim=1)
            values = torch.cat([self._kept[number][1], values], dim=1)
            self._kept[number] = keys, values
        else:
            self._kept.append((keys, values))
        asked = self._split(attention.q_proj(rows) * attention.scaling)
        weights = (asked @ keys.transpose(1, 2)).masked_fill(~mask, -torch.inf).softmax(dim=-1)
        return attention.out_proj((weights @ values).transpose(0, 1).reshape(rows.shape))

    def _of_sound(self, number: int, attention: Any, rows: Any) -> tuple[Any, Any]:
        keys, values = self._sound[number]
        asked = self._split(attention.q_proj(rows) * attention.scaling)
        weights = (asked @ keys.transpose(1, 2)).softmax(dim=-1)
        return attention.out_proj((weights @ values).transpose(0, 1).reshape(rows.shape)), weights


def warped(looks: Floats) -> list[tuple[int, int]]:
    """The first frame of each token and the one after its last, where tokens follow each other without gaps.

    Args:
        looks: Where each token looks, shape (tokens, frames); higher is nearer.

    >>> warped(np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], np.float32))
    [(0, 2), (2, 3), (3, 4)]
    """
    tokens, frames = looks.shape
    cost = np.full((tokens + 1, frames + 1), np.inf)
    cost[0, 0] = 0.0
    came = np.zeros((tokens + 1, frames + 1), np.int8)
    for row in range(1, tokens + 1):
        above, here = cost[row - 1].tolist(), [np.inf]
        for column, price in enumerate((-looks[row - 1]).tolist(), start=1):
            ways = (above[column - 1], above[column], here[column - 1])
            best = ways.index(min(ways))
            came[row, column] = best
            here.append(ways[best] + price)
        cost[row] = here
    row, column = tokens, frames
    first, last = [0] * tokens, [0] * tokens
    while row and column:
        first[row - 1] = column - 1
        last[row - 1] = last[row - 1] or column
        step = int(came[row, column])
        row, column = row - (step != 2), column - (step != 1)
    starts = [*first, frames]
    return [(starts[place], max(starts[place + 1], starts[place])) for place in range(tokens)]
