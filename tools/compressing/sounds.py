"""Clips of speech as MLPerf Tiny's keyword spotting sees them, and further clips made of them.

The features are those of the benchmark's reference: frames of 30 ms every 20 ms, 40 mel bands from 20 to 4,000 Hz, the first ten
cepstral coefficients of their logarithms. Mel scale and transform are HTK's (Young et al., The HTK Book).
"""

import numpy as np

RATE = 16_000
FRAME, STEP, TRANSFORM = 480, 320, 512
BANDS, COEFFICIENTS = 40, 10
LOWEST, HIGHEST = 20.0, 4_000.0
SCALE, ZERO_POINT = 0.58470291, 83
"""How the benchmark quantizes the coefficients."""


def mfcc(clips: np.ndarray, voices: np.ndarray | None = None) -> np.ndarray:
    """Mel-frequency cepstral coefficients.

    Args:
        clips: (clips, samples) at 16 kHz, any scale: each is divided by its largest sample.
        voices: (clips,) factors of all frequencies, as if a vocal tract were so much shorter: Jaitly and Hinton, "Vocal tract length
            perturbation improves speech recognition", 2013. None: 1.

    Returns:
        (clips, frames, 10, 1) int8, in steps of `SCALE`, rounded down.
    """
    frames = 1 + (clips.shape[1] - FRAME) // STEP
    window = np.hanning(FRAME + 1)[:-1]
    found = np.empty((len(clips), frames, COEFFICIENTS))
    for index, clip in enumerate(clips):
        loudest = float(clip.max())
        heard = clip / (loudest if loudest > 0 else 1.0)
        pieces = np.lib.stride_tricks.sliding_window_view(heard, FRAME)[::STEP] * window
        bands = _mel_bands(1.0 if voices is None else float(voices[index]))
        found[index] = np.log(np.abs(np.fft.rfft(pieces, TRANSFORM)) @ bands + 1e-6) @ _cosines()
    codes = np.floor(found / SCALE) + ZERO_POINT
    return np.clip(codes, -128, 127).astype(np.int8)[..., np.newaxis]


def varied(clips: np.ndarray, copies: int, seed: int) -> np.ndarray:
    """The features of each clip several times, every time as if another voice had said it in another place.

    Slower or faster, earlier or later, by another vocal tract, through another microphone, with noise of any colour, while
    somebody speaks as well; in three of ten the end is another clip's. What is said then may be no word at all: only a
    teacher can answer it.

    Args:
        clips: (clips, samples) at 16 kHz, int16.
        copies: of each.
        seed: of everything random.

    Returns:
        As `mfcc`, of clips · copies; the copies of a clip do not follow each other.
    """
    random = np.random.default_rng(seed)
    clips = np.stack([clip / _loudest(clip) for clip in clips.astype(np.float32)])
    found = []
    for _ in range(copies):
        ends, others = (clips[random.permutation(len(clips))] for _ in range(2))
        said = [_elsewhere(_spliced(*pair, random), random) for pair in zip(clips, ends, strict=True)]
        both = np.stack([_with(one, other, -3, 0, random) for one, other in zip(said, others, strict=True)])
        found.append(mfcc(both, np.exp(random.uniform(-0.12, 0.12, len(both)))))
    return np.concatenate(found)


def _spliced(clip: np.ndarray, end: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if random.random() > 0.3:
        return clip
    fading = np.clip((np.arange(len(clip)) - random.integers(RATE // 3, 2 * RATE // 3)) / (0.05 * RATE), 0, 1)
    return clip * (1 - fading) + end * fading


def _elsewhere(clip: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Faster or slower by 15 %, which raises or lowers the voice; moved by up to 100 ms; a tilted spectrum; noise."""
    count = len(clip)
    speed = np.exp(random.uniform(-0.15, 0.15))
    middle = count / 2 + random.uniform(-0.1, 0.1) * RATE
    moved = np.interp((np.arange(count) - middle) * speed + count / 2, np.arange(count), clip, left=0, right=0)
    frequencies = np.maximum(np.fft.rfftfreq(count), 1 / count)
    tilted = np.fft.irfft(np.fft.rfft(moved) * (frequencies / 0.1) ** random.uniform(-0.3, 0.3), count)
    colour = frequencies ** random.uniform(-1, 0)
    noise = np.fft.irfft(colour * np.exp(2j * np.pi * random.random(len(colour))), count)
    return _with(tilted, noise, -5, -1, random)


def _with(clip: np.ndarray, other: np.ndarray, least: float, most: float, random: np.random.Generator) -> np.ndarray:
    """The other beside it, some time earlier or later, at 10^least to 10^most of its loudness."""
    level = _loudest(clip) / _loudest(other) * 10 ** random.uniform(least, most)
    return clip + level * np.roll(other, random.integers(len(other)))


def _loudest(clip: np.ndarray) -> float:
    return float(np.abs(clip).max()) or 1.0


def _mel_bands(voice: float) -> np.ndarray:
    """(frequencies, bands): triangles that are equally wide on the mel scale, of frequencies times a factor."""

    def mel(frequency: np.ndarray | float) -> np.ndarray:
        return 1127 * np.log1p(np.asarray(frequency) / 700)

    at = mel(voice * np.linspace(0, RATE / 2, TRANSFORM // 2 + 1)[:, np.newaxis])
    edges = np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.clip(np.minimum((at - low) / (centre - low), (high - at) / (high - centre)), 0, None)
    bands[0] = 0
    return bands


def _cosines() -> np.ndarray:
    """(bands, coefficients): the discrete cosine transform of the second kind."""
    angles = np.pi / BANDS * (np.arange(BANDS)[:, np.newaxis] + 0.5) * np.arange(COEFFICIENTS)
    return np.cos(angles) * np.sqrt(2 / BANDS)
