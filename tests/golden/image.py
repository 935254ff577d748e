#!/usr/bin/env python3
"""Reference images for tests/tests/image.rs, made in f64 by numpy, with nothing taken from the core.

    python3 -m venv venv && venv/bin/pip install numpy pillow
    venv/bin/python tests/golden/image.py

writes image-short.rgb (9,600 samples, enlarged along time) and image-long.rgb (41,600 samples, shrunk) beside itself: every fourth
column of an image of 224 x 224 pixels, u8 [56 columns][224 bands, DC first][red, green, blue]. The steps are those of the program of
Zheng et al. in MATLAB; imresize is written from MATLAB's documentation, and compared with Pillow's bicubic filter where no edge is near.
"""

from pathlib import Path

import numpy as np
from PIL import Image

FRAME, HOP, FFT, SIDE = 256, 128, 512, 224


def signal(count, seed):
    """A sweep of triangles under swelling and fading, with noise: 16-bit integers, defined exactly."""
    noise, phase, step = seed, 0, 53_687_091
    samples = []
    for n in range(count):
        noise = (noise * 1_664_525 + 1_013_904_223) % 2**32
        phase = (phase + step) % 2**32
        step += 12_000
        triangle = abs(2 * (phase >> 16) - 65_535) - 32_768
        envelope = abs(n % 4096 - 2048)
        samples.append((triangle * envelope >> 12) + ((noise >> 16) - 32_768 >> 7))
    return np.array(samples) / 32_768


def jet(count):
    """MATLAB's jet(count)."""
    n = -(-count // 4)
    u = np.concatenate([np.arange(1, n + 1) / n, np.ones(n - 1), np.arange(n, 0, -1) / n])
    green = -(-n // 2) - (count % 4 == 1) + np.arange(1, len(u) + 1)
    red, blue = green + n, green - n
    red, green, blue = red[red <= count], green[green <= count], blue[blue >= 1]
    colours = np.zeros((count, 3))
    colours[red - 1, 0] = u[: len(red)]
    colours[green - 1, 1] = u[: len(green)]
    colours[blue - 1, 2] = u[len(u) - len(blue) :]
    return colours


def cubic(x):
    x = np.abs(x)
    return (1.5 * x**3 - 2.5 * x**2 + 1) * (x <= 1) + (-0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * ((1 < x) & (x <= 2))


def resize_matrix(inputs, outputs):
    """MATLAB's imresize along one axis, 'bicubic' with antialiasing."""
    scale = outputs / inputs
    width = 4 / min(scale, 1)
    x = np.arange(1, outputs + 1)
    u = x / scale + 0.5 * (1 - 1 / scale)
    indices = np.floor(u - width / 2)[:, None] + np.arange(np.ceil(width) + 2)
    weights = min(scale, 1) * cubic(min(scale, 1) * (u[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.concatenate([np.arange(inputs), np.arange(inputs)[::-1]])
    places = mirrored[np.mod(indices.astype(int) - 1, 2 * inputs)]
    matrix = np.zeros((outputs, inputs))
    for row in range(outputs):
        np.add.at(matrix[row], places[row], weights[row])
    return matrix


def picture(samples):
    """The image, [band][column][colour], 0..=1 and a little beyond."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    starts = range(0, len(samples) - FRAME + 1, HOP)
    spectrum = np.array([np.fft.rfft(samples[start : start + FRAME] * window, FFT) for start in starts]).T
    levels = 20 * np.log10(np.abs(spectrum) + np.finfo(float).eps)
    grays = np.floor(255 * (levels - levels.min()) / (levels.max() - levels.min()) + 0.5).astype(int)
    colours = jet(256)[grays]
    bands, columns = resize_matrix(colours.shape[0], SIDE), resize_matrix(colours.shape[1], SIDE)
    resized = np.einsum("bf,fkc->bkc", bands, np.einsum("ftc,kt->fkc", colours, columns))
    for colour in range(3):
        other = Image.fromarray(colours[..., colour].astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        difference = np.abs(resized[8:-8, 8:-8, colour] - np.asarray(other)[8:-8, 8:-8]).max()
        assert difference < 1e-4, f"Pillow's colour {colour} is {difference} away"
    return resized


for name, count, seed in [("short", 9_600, 1), ("long", 41_600, 2)]:
    pixels = np.clip(np.floor(picture(signal(count, seed)) * 255 + 0.5), 0, 255).astype(np.uint8)
    columns = pixels.transpose(1, 0, 2)[::4]
    (Path(__file__).parent / f"image-{name}.rgb").write_bytes(columns.tobytes())
    print(name, columns.shape, columns.mean(axis=(0, 1)))
