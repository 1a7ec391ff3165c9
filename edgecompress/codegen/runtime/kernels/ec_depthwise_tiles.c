/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
#include "ec_depthwise_tiles.h"

enum { CHANNELS = EC_DEPTHWISE_CHANNELS };

typedef struct {
    ec_depthwise_group group;
    const void *params;
} convolution;

static ec_depthwise_image image_of(const ec_depthwise_tiles *t, const int8_t *input) {
    const ec_depthwise_image image = {input, t->in_length, t->in_lines, t->in_step, t->in_pitch, t->pad_before, t->zero_point};
    return image;
}

static inline int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static void move(uint32_t *to, const uint32_t *from, int32_t words) {
    for (; words > 0; words -= CHANNELS, to += CHANNELS, from += CHANNELS) {
        const uint32_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
}

static void by_channels(const ec_depthwise_tiles *t, const int8_t *input, int8_t *output, uint32_t *strip, convolution c) {
    const int32_t line = t->pairs * CHANNELS;
    const int32_t kept = t->filter_lines - t->stride; /* lines that the next tile begins with */
    for (int32_t channel = 0; channel < t->channels; channel += CHANNELS) {
        const ec_depthwise_image image = image_of(t, input + channel);
        int32_t old = 0;
        for (int32_t y = 0; y < t->out_lines; y += t->tile) {
            const int32_t count = smaller(t->tile, t->out_lines - y), needed = (count - 1) * t->stride + t->filter_lines;
            move(strip, strip + t->tile * t->stride * line, old * line);
            ec_depthwise_load(&image, y * t->stride - t->pad_lines + old, needed - old, t->pairs, strip + old * line);
            c.group(c.params, channel, count, strip, output + y * t->out_pitch + channel);
            old = kept;
        }
    }
}

static void by_tiles(const ec_depthwise_tiles *t, const int8_t *input, int8_t *output, uint32_t *strip, convolution c) {
    for (int32_t y = 0; y < t->out_lines; y += t->tile) {
        const int32_t count = smaller(t->tile, t->out_lines - y), needed = (count - 1) * t->stride + t->filter_lines;
        for (int32_t channel = 0; channel < t->channels; channel += CHANNELS) {
            const ec_depthwise_image image = image_of(t, input + channel);
            ec_depthwise_load(&image, y * t->stride - t->pad_lines, needed, t->pairs, strip);
            c.group(c.params, channel, count, strip, output + y * t->out_pitch + channel);
        }
    }
}

void ec_depthwise_walk(const ec_depthwise_tiles *t, const int8_t *input, int8_t *output, uint32_t *strip, ec_depthwise_group group,
                       const void *params) {
    const int32_t in_bytes = t->in_lines * t->in_length * t->channels, out_bytes = t->out_lines * t->out_length * t->channels;
    const convolution c = {group, params};
    for (int32_t batch = 0; batch < t->batches; ++batch, input += in_bytes, output += out_bytes) {
        if (t->by_channels) {
            by_channels(t, input, output, strip, c);
        } else {
            by_tiles(t, input, output, strip, c);
        }
    }
}
