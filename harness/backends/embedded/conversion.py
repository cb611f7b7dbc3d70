"""Give speech another speaker's voice: statistics of a reference recording, and the map onto them.

WORLD splits speech into pitch, spectral envelope and aperiodicity every 5 ms, and puts it together again. Between the
two steps the conversion changes what carries a speaker's identity and leaves what carries the words:

- Vocal tract length: the frequency axis of the source envelope is stretched by one factor for the whole voice, the one
  that brings the source's envelopes nearest to the reference's. Formants of a longer tract are lower by a factor, which
  no map of mean and covariance undoes well.
- Timbre: the envelope, coded as a mel cepstrum with its energy term, goes through the optimal transport between two
  Gaussians. That map is linear and symmetric, gives the source frames the reference's mean and full covariance, and
  moves them the least: consonants stay consonants. Voiced and unvoiced frames have a map each. Loud frames count more
  in the statistics: they carry what is heard of a voice, quiet ones the room and the recorder. What hardly rises above
  a recording's noise does not count at all, nor does its like in the source: the map would carry them onto louder ones.
- Fine structure: each mapped frame then goes part of the way to the mean of its nearest frames in the reference, for
  the reference's frames do not fill their Gaussian: what lies between its sounds is nobody's voice.
- Loudness: a weighted mean of what the energy became and what it was, so that syllables keep their weight.
- Pitch: the distribution of log F0, quantile by quantile.
- Breath: mean and spread of the aperiodicity of the periodic frames, by band.

A demonstration: a real map to a real voice, far from a product's naturalness. It knows no speaker encoder and searches
for no similarity score.

Conventions: envelopes are power spectra of 16 kHz speech, (n_frames, n_bins); F0 is 0 Hz in unvoiced frames.

Source: WORLD: Morise, Yokomori, Ozawa (2016); D4C: Morise (2016). Transport between Gaussians and its distance: Bures
(1969), Dowson and Landau (1982).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio, resample

RATE_HZ = 16_000  # wideband: LibriSpeech and most prompts hold nothing above 8 kHz
FRAME_S = 0.005
FFT_SIZE = 1024  # CheapTrick's choice for 16 kHz and its lowest pitch of 71 Hz
LOWEST_F0_HZ, HIGHEST_F0_HZ = 65.0, 500.0

N_COEFFICIENTS = 48
SILENCE_BELOW_PEAK_DB = 40.0
NOISE_CLEARANCE_DB = 15.0  # between the quietest frames and those that tell of the voice
LEAST_RANGE_DB = 10.0  # of the frames that tell: speech without a pause has no frame to know its noise by
# From formants a fifth lower than the base voice's to two fifths higher: one woman and one man stand for all.
WARPS = tuple(float(w) for w in np.linspace(0.82, 1.42, 21))
SHRINKAGE = 0.01  # share of the mean variance added to each variance: seconds of speech do not fill 48 dimensions
KEPT_LOUDNESS = 0.25  # share of the source's loudness contour; at 0.5 some human references take another's voice
LOUDEST_ABOVE_PEAK_DB = 3.0  # the burst of a stop consonant, which the map would otherwise turn into a click
BREATH_SPREAD_LIMITS = (0.3, 3.0)  # ratio of target to source
NEIGHBOURS = 4  # frames of the reference that are averaged
NEIGHBOURS_SHARE = 0.4  # of the way to them; at 0.5 a recogniser loses a quarter of the letters
LOUDNESS_WEIGHT = 0.15  # power of a frame's energy with which it counts; 0 counts all alike, 1 hears vowels only
F0_QUANTILES = np.linspace(0.08, 0.92, 25)  # outside are octave errors and the ends of phrases

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frames:
    """Speech taken apart by WORLD, a frame every 5 ms."""

    f0_hz: Floats
    """(n,), 0 where unvoiced."""
    envelope: Floats
    """(n, 513) power spectra, above 0."""
    aperiodicity: Floats
    """(n, 513), 0 periodic to 1 noise."""

    def at(self, index: slice) -> "Frames":
        """Return some of the frames."""
        return Frames(self.f0_hz[index], self.envelope[index], self.aperiodicity[index])

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """(n,) true where the frame has a pitch."""
        return self.f0_hz > 0.0

    @property
    def levels_db(self) -> Floats:
        """(n,) frame energies in dB, relative to an arbitrary but fixed level."""
        return np.asarray(10.0 * np.log10(self.envelope.mean(axis=1)), dtype=np.float64)

    @property
    def sounding(self) -> NDArray[np.bool_]:
        """(n,) true within 40 dB of the loud frames (95th percentile)."""
        levels = self.levels_db
        return np.asarray(levels > np.percentile(levels, 95) - SILENCE_BELOW_PEAK_DB)

    @property
    def above_noise(self) -> NDArray[np.bool_]:
        """(n,) true in sounding frames 15 dB above the noise, which is the level of the quietest (5th percentile)."""
        levels = self.levels_db
        quiet, loud = np.percentile(levels, (5, 95))
        return np.asarray(self.sounding & (levels > min(quiet + NOISE_CLEARANCE_DB, loud - LEAST_RANGE_DB)))

    @property
    def periodic(self) -> NDArray[np.bool_]:
        """(n,) true in voiced frames where D4C finds a period; it calls the others, and bright vowels, all breath."""
        return np.asarray(self.voiced & (self.aperiodicity[:, 0] < 0.5))

    def without_edges(self) -> "Frames":
        """Return the frames from the first that sounds to the last."""
        heard = np.flatnonzero(self.sounding)
        return self.at(slice(heard[0], heard[-1] + 1))


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Mean (d,) and covariance (d, d) of coded envelopes."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True)
class Voice:
    """What the conversion knows of a speaker."""

    voiced: Gaussian
    unvoiced: Gaussian
    voiced_frames: Floats
    """Coded envelopes of the frames behind the voiced Gaussian, (n, d)."""
    unvoiced_frames: Floats
    log_f0: Floats
    """Quantiles of log F0, 8 % to 92 %, (25,)."""
    aperiodicity_db: Floats
    """Mean of the coded aperiodicity over periodic frames, (n_bands,)."""
    aperiodicity_spread_db: Floats
    """Its standard deviation, (n_bands,)."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The way from one voice to another: warp first, then an affine map for either kind of frame."""

    source: Voice
    target: Voice
    warp: float
    voiced_matrix: Floats
    unvoiced_matrix: Floats

    def apply(self, frames: Frames) -> Frames:
        """Return the frames in the target's voice: same number, same voicing."""
        warped = warp_tract(frames, self.warp)
        coded = encode(warped.envelope)
        mapped = np.where(
            frames.voiced[:, None],
            transport(coded, self.source.voiced, self.target.voiced, self.voiced_matrix),
            transport(coded, self.source.unvoiced, self.target.unvoiced, self.unvoiced_matrix),
        )
        for kind, known in ((frames.voiced, self.target.voiced_frames), (~frames.voiced, self.target.unvoiced_frames)):
            mapped[kind] = approach(mapped[kind], known)
        envelope = decode(mapped)
        mapped_db = replace(frames, envelope=envelope).levels_db
        # Outside the speech the map extrapolates: silence stays as silent as it was.
        kept = np.where(warped.sounding, KEPT_LOUDNESS, 1.0)
        levels_db = kept * warped.levels_db + (1.0 - kept) * mapped_db
        levels_db = np.minimum(levels_db, np.percentile(levels_db, 95) + LOUDEST_ABOVE_PEAK_DB)
        loudness = 10.0 ** ((levels_db - mapped_db) / 10.0)
        f0_hz = np.zeros_like(frames.f0_hz)
        log_f0 = np.log(frames.f0_hz[frames.voiced])
        f0_hz[frames.voiced] = np.exp(np.interp(log_f0, self.source.log_f0, self.target.log_f0))
        f0_hz = np.clip(f0_hz, LOWEST_F0_HZ, HIGHEST_F0_HZ) * frames.voiced
        return self._breathe(Frames(f0_hz, envelope * loudness[:, None], frames.aperiodicity))

    def _breathe(self, frames: Frames) -> Frames:
        import pyworld

        coded = pyworld.code_aperiodicity(np.ascontiguousarray(frames.aperiodicity), RATE_HZ)
        spread = np.clip(self.target.aperiodicity_spread_db / self.source.aperiodicity_spread_db, *BREATH_SPREAD_LIMITS)
        mapped = self.target.aperiodicity_db + spread * (coded - self.source.aperiodicity_db)
        return shift_aperiodicity(frames, mapped - coded)


def analyse(audio: Audio, *, noisy: bool) -> Frames:
    """Take speech apart.

    Args:
        audio: mono speech at any rate; it is brought to 16 kHz and a fixed level first.
        noisy: true for recordings: a pitch tracker that survives noise and takes 30 times as long.

    Returns:
        A frame every 5 ms; envelopes are comparable between recordings.
    """
    import pyworld

    samples = resample(audio, RATE_HZ).samples.astype(np.float64)
    samples = samples / max(float(np.sqrt(np.mean(samples**2))), 1e-6)
    samples = samples + np.random.default_rng(0).normal(
        scale=1e-3, size=samples.size
    )  # digital silence has no envelope
    track = pyworld.harvest if noisy else pyworld.dio
    f0_hz, times_s = track(
        samples, RATE_HZ, f0_floor=LOWEST_F0_HZ, f0_ceil=HIGHEST_F0_HZ, frame_period=FRAME_S * 1000.0
    )
    f0_hz = pyworld.stonemask(samples, f0_hz, times_s, RATE_HZ)
    envelope = pyworld.cheaptrick(samples, f0_hz, times_s, RATE_HZ, fft_size=FFT_SIZE)
    aperiodicity = pyworld.d4c(samples, f0_hz, times_s, RATE_HZ, fft_size=FFT_SIZE)
    return Frames(f0_hz, envelope, aperiodicity)


def resynthesise(frames: Frames) -> Audio:
    """Put frames together again: 16 kHz, (n_frames - 1) * 5 ms long, level as the envelopes say."""
    import pyworld

    samples = pyworld.synthesize(
        np.ascontiguousarray(frames.f0_hz),
        np.ascontiguousarray(frames.envelope),
        np.ascontiguousarray(frames.aperiodicity),
        RATE_HZ,
        FRAME_S * 1000.0,
    )
    return Audio(samples.astype(np.float32), RATE_HZ)


def describe(frames: Frames) -> Voice:
    """Measure a voice on its frames above the noise.

    Args:
        frames: at least a second of speech; less than 20 frames of a kind borrow from all of those.
    """
    import pyworld

    clear = frames.above_noise
    voiced, unvoiced, periodic = clear & frames.voiced, clear & ~frames.voiced, clear & frames.periodic
    coded, weights = encode(frames.envelope), _weights(frames)
    voiced_like, unvoiced_like = _enough(voiced, clear), _enough(unvoiced, clear)
    log_f0 = np.log(frames.f0_hz[voiced]) if voiced.sum() > 1 else np.log([150.0, 160.0])
    aperiodic = frames.aperiodicity[periodic if periodic.any() else clear]
    breath_db = pyworld.code_aperiodicity(np.ascontiguousarray(aperiodic), RATE_HZ)
    return Voice(
        fit(coded[voiced_like], weights[voiced_like]),
        fit(coded[unvoiced_like], weights[unvoiced_like]),
        coded[voiced_like],
        coded[unvoiced_like],
        np.quantile(log_f0, F0_QUANTILES),
        breath_db.mean(axis=0),
        np.maximum(breath_db.std(axis=0), 1e-3),
    )


def describe_voiced(frames: Frames) -> Gaussian:
    """Measure a voice as `describe` does, on its voiced frames only."""
    clear = frames.above_noise
    voiced_like = _enough(clear & frames.voiced, clear)
    return fit(encode(frames.envelope[voiced_like]), _weights(frames)[voiced_like])


def _enough(some: NDArray[np.bool_], of: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames of a kind where there are enough of them to measure."""
    return some if some.sum() >= 20 else of


def _weights(frames: Frames) -> Floats:
    levels_db = frames.levels_db
    return 10.0 ** (LOUDNESS_WEIGHT * np.minimum(levels_db - np.percentile(levels_db, 95), 0.0) / 10.0)


class Base:
    """A voice to be converted: what is known of it at each warp is found once, for all targets."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._warped: dict[float, Voice] = {}
        self._voiced: dict[float, Gaussian] = {}

    def warped(self, warp: float) -> Voice:
        """Describe the voice at a warp."""
        if warp not in self._warped:
            self._warped[warp] = describe(warp_tract(self._frames, warp))
        return self._warped[warp]

    def voiced(self, warp: float) -> Gaussian:
        """Describe its voiced frames at a warp, on every other of them: enough to choose one by."""
        if warp not in self._voiced:
            self._voiced[warp] = describe_voiced(warp_tract(self._frames.at(slice(None, None, 2)), warp))
        return self._voiced[warp]

    def describe_warps(self) -> None:
        """Find now what the choice of a warp needs, for all targets to come."""
        for warp in WARPS:
            self.voiced(warp)


def prepare(base: Base, target: Voice) -> Conversion:
    """Find the way from a base voice to the target: the warp of the smallest distance, then the maps."""
    warp = min(WARPS, key=lambda warp: bures_distance(base.voiced(warp), target.voiced))
    source = base.warped(warp)
    return Conversion(
        source,
        target,
        warp,
        transport_matrix(source.voiced, target.voiced),
        transport_matrix(source.unvoiced, target.unvoiced),
    )


def warp_tract(frames: Frames, warp: float) -> Frames:
    """Move formants from f to f * warp; above 1 is a shorter vocal tract."""
    bins = np.arange(frames.envelope.shape[1]) / warp
    low = np.minimum(bins.astype(int), frames.envelope.shape[1] - 2)
    weight = np.minimum(bins - low, 1.0)
    logs = np.log(frames.envelope)
    return replace(frames, envelope=np.exp((1.0 - weight) * logs[:, low] + weight * logs[:, low + 1]))


def shift_aperiodicity(frames: Frames, shift_db: Floats) -> Frames:
    """Add breath (dB above 0) or take it away in voiced frames, by band: (n_bands,) or (n, n_bands)."""
    import pyworld

    coded = pyworld.code_aperiodicity(np.ascontiguousarray(frames.aperiodicity), RATE_HZ)
    shifted = np.where(frames.voiced[:, None], np.clip(coded + shift_db, -60.0, -0.1), coded)
    return replace(frames, aperiodicity=pyworld.decode_aperiodicity(shifted, RATE_HZ, FFT_SIZE))


def encode(envelope: Floats) -> Floats:
    """Code power spectra (n, 513) as mel cepstra (n, 48); the first coefficient is the energy."""
    import pyworld

    return np.asarray(pyworld.code_spectral_envelope(np.ascontiguousarray(envelope), RATE_HZ, N_COEFFICIENTS))


def decode(coded: Floats) -> Floats:
    """Undo `encode`, but for what 48 coefficients do not hold."""
    import pyworld

    return np.asarray(pyworld.decode_spectral_envelope(np.ascontiguousarray(coded), RATE_HZ, FFT_SIZE))


def fit(coded: Floats, weights: Floats | None = None) -> Gaussian:
    """Fit a Gaussian to coded envelopes (n, d), weighted by (n,), its covariance shrunk a little toward a ball."""
    covariance = np.cov(coded, rowvar=False, bias=True, aweights=weights)
    dimensions = covariance.shape[0]
    ball = np.eye(dimensions) * np.trace(covariance) / dimensions
    return Gaussian(np.average(coded, axis=0, weights=weights), (1.0 - SHRINKAGE) * covariance + SHRINKAGE * ball)


def square_root(matrix: Floats) -> Floats:
    """Symmetric square root of a positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def bures_distance(a: Gaussian, b: Gaussian) -> float:
    """Squared 2-Wasserstein distance of two Gaussians: of the means, plus Bures's of the covariances."""
    root = square_root(a.covariance)
    overlap = np.trace(square_root(root @ b.covariance @ root))
    return float(np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * overlap)


def transport_matrix(source: Gaussian, target: Gaussian) -> Floats:
    """Linear part of the optimal transport (Monge map) from one Gaussian to the other, symmetric (d, d)."""
    root = square_root(source.covariance)
    inverse = np.linalg.inv(root)
    return np.asarray(inverse @ square_root(root @ target.covariance @ root) @ inverse)


def transport(coded: Floats, source: Gaussian, target: Gaussian, matrix: Floats) -> Floats:
    """Carry coded envelopes (n, d) from the source's distribution to the target's."""
    return np.asarray(target.mean + (coded - source.mean) @ matrix)


def approach(coded: Floats, known: Floats) -> Floats:
    """Move coded envelopes (n, d) part of the way to their nearest known ones (m, d); energies stay."""
    from scipy.spatial import KDTree

    if not coded.size:
        return coded
    _, nearest = KDTree(known[:, 1:]).query(coded[:, 1:], k=min(NEIGHBOURS, len(known)))
    goal = known[nearest.reshape(len(coded), -1), 1:].mean(axis=1)
    shapes = (1.0 - NEIGHBOURS_SHARE) * coded[:, 1:] + NEIGHBOURS_SHARE * goal
    return np.hstack([coded[:, :1], shapes])
