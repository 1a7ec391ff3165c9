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


def mfcc(clips: np.ndarray) -> np.ndarray:
    """Mel-frequency cepstral coefficients.

    Args:
        clips: (clips, samples) at 16 kHz, any scale: each is divided by its largest sample.

    Returns:
        (clips, frames, 10, 1) int8, in steps of `SCALE`, rounded down.
    """
    loudest = clips.max(axis=1, keepdims=True).astype(np.float64)
    clips = clips / np.where(loudest > 0, loudest, 1)
    frames = 1 + (clips.shape[1] - FRAME) // STEP
    window = np.hanning(FRAME + 1)[:-1]
    found = np.empty((len(clips), frames, COEFFICIENTS))
    for index, clip in enumerate(clips):
        pieces = np.lib.stride_tricks.sliding_window_view(clip, FRAME)[::STEP] * window
        energies = np.abs(np.fft.rfft(pieces, TRANSFORM)) @ _mel_bands()
        found[index] = np.log(energies + 1e-6) @ _cosines()
    codes = np.floor(found / SCALE) + ZERO_POINT
    return np.clip(codes, -128, 127).astype(np.int8)[..., np.newaxis]


def varied(clips: np.ndarray, copies: int, seed: int) -> np.ndarray:
    """Each clip several times, every time said by another voice in another place.

    Faster or slower by 15 % (which raises or lowers the voice), earlier or later by up to 100 ms, through another microphone (a tilted
    spectrum), with noise of any colour, and before another clip, quieter.

    Args:
        clips: (clips, samples) at 16 kHz, int16.
        copies: of each.
        seed: of everything random.

    Returns:
        (clips · copies, samples) float32; the copies of a clip do not follow each other.
    """
    random = np.random.default_rng(seed)
    clips = clips.astype(np.float32) / 32_768
    found = np.empty((copies, *clips.shape), np.float32)
    for copy in range(copies):
        others = random.permutation(len(clips))
        for index, clip in enumerate(clips):
            found[copy, index] = _varied(clip, clips[others[index]], random)
    return found.reshape(-1, clips.shape[1])


def _varied(clip: np.ndarray, behind: np.ndarray, random: np.random.Generator) -> np.ndarray:
    count = len(clip)
    speed = np.exp(random.uniform(-0.15, 0.15))
    middle = count / 2 + random.uniform(-0.1, 0.1) * RATE
    at = (np.arange(count) - middle) * speed + count / 2
    moved = np.interp(at, np.arange(count), clip, left=0, right=0)
    frequencies = np.maximum(np.fft.rfftfreq(count), 1 / count)
    tilted = np.fft.irfft(np.fft.rfft(moved) * (frequencies / 0.1) ** random.uniform(-0.3, 0.3), count)
    colour = frequencies ** random.uniform(-1, 0)
    noise = np.fft.irfft(colour * np.exp(2j * np.pi * random.random(len(colour))), count)
    behind = np.roll(behind, random.integers(count))
    level = _loudest(tilted)
    tilted += level * 10 ** random.uniform(-5, -1) * noise / _loudest(noise)
    tilted += level * 10 ** random.uniform(-5, -0.7) * behind / _loudest(behind)
    return tilted.astype(np.float32)


def _loudest(clip: np.ndarray) -> float:
    return float(np.abs(clip).max()) or 1.0


def _mel_bands() -> np.ndarray:
    """(frequencies, bands): triangles that are equally wide on the mel scale."""

    def mel(frequency: np.ndarray | float) -> np.ndarray:
        return 1127 * np.log1p(np.asarray(frequency) / 700)

    at = mel(np.linspace(0, RATE / 2, TRANSFORM // 2 + 1))[:, np.newaxis]
    edges = np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.clip(np.minimum((at - low) / (centre - low), (high - at) / (high - centre)), 0, None)
    bands[0] = 0
    return bands


def _cosines() -> np.ndarray:
    """(bands, coefficients): the discrete cosine transform of the second kind."""
    angles = np.pi / BANDS * (np.arange(BANDS)[:, np.newaxis] + 0.5) * np.arange(COEFFICIENTS)
    return np.cos(angles) * np.sqrt(2 / BANDS)
