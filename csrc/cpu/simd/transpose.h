// Transposition of a square of kWidth vectors: lanes become rows.
#pragma once

#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

#if defined(CONVNET_ISA_avx512)

CONVNET_INLINE void transpose(Vec (&r)[16]) {
  __m512 u[16], w[16];
  CONVNET_EACH(i, 8) {
    u[2 * i] = _mm512_unpacklo_ps(r[2 * i].v, r[2 * i + 1].v);
    u[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i].v, r[2 * i + 1].v);
  }
  CONVNET_EACH(i, 4) {
    const __m512d a = _mm512_castps_pd(u[4 * i]), b = _mm512_castps_pd(u[4 * i + 1]);
    const __m512d c = _mm512_castps_pd(u[4 * i + 2]), d = _mm512_castps_pd(u[4 * i + 3]);
    w[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
    w[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
    w[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
    w[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
  }
  CONVNET_EACH(i, 4) {
    const __m512 a = _mm512_shuffle_f32x4(w[i], w[i + 4], 0x88);
    const __m512 b = _mm512_shuffle_f32x4(w[i], w[i + 4], 0xdd);
    const __m512 c = _mm512_shuffle_f32x4(w[i + 8], w[i + 12], 0x88);
    const __m512 d = _mm512_shuffle_f32x4(w[i + 8], w[i + 12], 0xdd);
    r[i].v = _mm512_shuffle_f32x4(a, c, 0x88);
    r[i + 8].v = _mm512_shuffle_f32x4(a, c, 0xdd);
    r[i + 4].v = _mm512_shuffle_f32x4(b, d, 0x88);
    r[i + 12].v = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

#elif defined(CONVNET_ISA_avx2)

CONVNET_INLINE void transpose(Vec (&r)[8]) {
  __m256 u[8], w[8];
  CONVNET_EACH(i, 4) {
    u[2 * i] = _mm256_unpacklo_ps(r[2 * i].v, r[2 * i + 1].v);
    u[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i].v, r[2 * i + 1].v);
  }
  CONVNET_EACH(i, 2) {
    w[4 * i] = _mm256_shuffle_ps(u[4 * i], u[4 * i + 2], 0x44);
    w[4 * i + 1] = _mm256_shuffle_ps(u[4 * i], u[4 * i + 2], 0xee);
    w[4 * i + 2] = _mm256_shuffle_ps(u[4 * i + 1], u[4 * i + 3], 0x44);
    w[4 * i + 3] = _mm256_shuffle_ps(u[4 * i + 1], u[4 * i + 3], 0xee);
  }
  CONVNET_EACH(i, 4) {
    r[i].v = _mm256_permute2f128_ps(w[i], w[i + 4], 0x20);
    r[i + 4].v = _mm256_permute2f128_ps(w[i], w[i + 4], 0x31);
  }
}

#else

CONVNET_INLINE void transpose(Vec (&r)[kWidth]) {
  float t[kWidth][kWidth], row[kWidth];
  for (int i = 0; i < kWidth; ++i) store(t[i], r[i]);
  for (int i = 0; i < kWidth; ++i) {
    for (int j = 0; j < kWidth; ++j) row[j] = t[j][i];
    r[i] = load(row);
  }
}

#endif

}  // namespace convnet::CONVNET_ISA
