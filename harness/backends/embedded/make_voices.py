"""Write the eight shipped reference voices: `python -m harness.backends.embedded.make_voices DIR`.

Each is an espeak-ng voice made into another person through WORLD: pitch, pitch range, vocal tract length, spectral
tilt, breath and a fixed colour of smooth resonances. Nobody was recorded, so nobody's consent is needed. DIR receives
for each voice NAME.flac (24 kHz, mono, 16 bit), NAME.txt (what it says) and NAME.lang (ISO code); the same bytes at
every run.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.audio import Audio
from harness.backends.embedded.conversion import (
    FFT_SIZE,
    FRAME_S,
    HIGHEST_F0_HZ,
    LOWEST_F0_HZ,
    RATE_HZ,
    Floats,
    Frames,
    analyse,
    resynthesise,
    shift_aperiodicity,
    warp_tract,
)
from harness.backends.embedded.voice import EDGE_S, PAUSE_SHARE, master, retime
from harness.espeak import speak

WORDS_PER_MINUTE = 150
CLIP_S = 5.2
COLOUR_DB = 5.0  # the strongest resonance of a voice's colour
COLOUR_RIPPLES = range(2, 7)  # half waves over the mel axis: slower is tilt, faster would be formants


@dataclass(frozen=True, slots=True)
class Character:
    """A person who does not exist."""

    name: str
    language: str
    sentence: str
    variant: str
    """espeak-ng's voice variant."""
    f0_hz: float
    """Median pitch."""
    f0_range: float
    """Pitch excursions, as a factor of espeak's."""
    warp: float
    """Formant frequencies, as a factor of espeak's."""
    tilt_db: float
    """Spectral tilt in dB an octave."""
    breath_db: float
    """Aperiodicity above espeak's."""
    colour: int
    """Seed of the resonances."""


# Those whose pitch is near a base voice's own, in Arabic 104 and 266 Hz, are understood best.
CHARACTERS = (
    Character(
        name="layla",
        language="ar",
        sentence="وصلت القافلة إلى الواحة قبل غروب الشمس، فجلس الجميع قرب الماء يتحدثون عن الطريق.",
        variant="anika",
        f0_hz=250.0,
        f0_range=0.83,
        warp=0.93,
        tilt_db=2.0,
        breath_db=1.0,
        colour=1,
    ),
    Character(
        name="omar",
        language="ar",
        sentence="كان جدي يصنع القوارب الخشبية في الشتاء، ويبيعها للصيادين حين يعود الدفء.",
        variant="m6",
        f0_hz=138.0,
        f0_range=1.1,
        warp=0.93,
        tilt_db=0.0,
        breath_db=0.0,
        colour=3,
    ),
    Character(
        name="salma",
        language="ar",
        sentence="فتحت النافذة ذات صباح فرأيت الثلج على الجبال، ورائحة الخبز تملأ الشارع.",
        variant="anika",
        f0_hz=225.0,
        f0_range=1.01,
        warp=1.1,
        tilt_db=-0.5,
        breath_db=-2.0,
        colour=5,
    ),
    Character(
        name="yusuf",
        language="ar",
        sentence="نحتاج إلى ساعة واحدة كي نصل إلى المحطة، ثم نركب القطار المتجه إلى الجنوب.",
        variant="m2",
        f0_hz=107.0,
        f0_range=1.12,
        warp=1.0,
        tilt_db=0.0,
        breath_db=0.0,
        colour=332562,
    ),
    Character(
        name="emma",
        language="en",
        sentence=(
            "The old lighthouse keeper counted the boats each evening, and wrote their names in a small green book."
        ),
        variant="f1",
        f0_hz=251.0,
        f0_range=0.99,
        warp=1.18,
        tilt_db=-0.7,
        breath_db=1.0,
        colour=939594,
    ),
    Character(
        name="james",
        language="en",
        sentence="If the rain stops before noon, we could carry the chairs outside and finish painting the fence.",
        variant="m3",
        f0_hz=115.0,
        f0_range=0.8,
        warp=0.9,
        tilt_db=1.0,
        breath_db=2.0,
        colour=4,
    ),
    Character(
        name="greta",
        language="de",
        sentence="Am frühen Morgen gingen wir durch den stillen Wald, und hörten den Vögeln bei der Arbeit zu.",
        variant="Alex",
        f0_hz=190.0,
        f0_range=0.76,
        warp=1.05,
        tilt_db=2.1,
        breath_db=-4.3,
        colour=9,
    ),
    Character(
        name="claire",
        language="fr",
        sentence=(
            "Nous avons pris le train de nuit pour voir la mer, et le soleil se levait quand nous sommes arrivés."
        ),
        variant="Andrea",
        f0_hz=171.0,
        f0_range=1.53,
        warp=0.96,
        tilt_db=0.0,
        breath_db=0.0,
        colour=3,
    ),
)


def record(character: Character) -> Audio:
    """Let a character say its sentence: about 5 s at 24 kHz, speech at -23 dBFS, 0.08 s edges."""
    rng = np.random.default_rng(character.colour)
    spoken = speak(character.sentence, character.language, character.variant, WORDS_PER_MINUTE)
    frames = analyse(spoken, noisy=False).without_edges()
    frames = retime(frames, round((CLIP_S - 2.0 * EDGE_S) / FRAME_S) + 1, PAUSE_SHARE * CLIP_S, rng)
    log_f0 = np.log(frames.f0_hz[frames.voiced])
    f0_hz = np.zeros_like(frames.f0_hz)
    f0_hz[frames.voiced] = character.f0_hz * np.exp(character.f0_range * (log_f0 - np.median(log_f0)))
    f0_hz = np.clip(f0_hz, LOWEST_F0_HZ, HIGHEST_F0_HZ) * frames.voiced
    warped = warp_tract(frames, character.warp)
    coloured = warped.envelope * 10.0 ** (colouring_db(character) / 10.0)
    breath_db = np.array([character.breath_db])
    breathing = shift_aperiodicity(Frames(f0_hz, coloured, frames.aperiodicity), breath_db)
    return master(resynthesise(breathing), CLIP_S, EDGE_S, rng)


def colouring_db(character: Character) -> Floats:
    """Gain of tilt and resonances in dB, (513,)."""
    frequencies_hz = np.linspace(0.0, RATE_HZ / 2.0, FFT_SIZE // 2 + 1)
    mel = np.log1p(frequencies_hz / 700.0)
    weights = np.random.default_rng(character.colour).normal(size=len(COLOUR_RIPPLES))
    ripples = np.cos(np.pi * np.outer(mel / mel[-1], COLOUR_RIPPLES)) @ weights
    octaves_from_1_khz = np.log2(np.maximum(frequencies_hz, 100.0) / 1000.0)
    return np.asarray(character.tilt_db * octaves_from_1_khz + COLOUR_DB * ripples / np.abs(ripples).max())


def main() -> None:
    """Write the voices into the folder named on the command line."""
    import soundfile

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for character in CHARACTERS:
        clip = record(character)
        soundfile.write(folder / f"{character.name}.flac", clip.samples, clip.sample_rate_hz, subtype="PCM_16")
        (folder / f"{character.name}.txt").write_text(character.sentence + "\n", encoding="utf-8")
        (folder / f"{character.name}.lang").write_text(character.language + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
