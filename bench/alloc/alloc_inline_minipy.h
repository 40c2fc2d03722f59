/* SPDX-License-Identifier: MIT */
/* alloc_inline_minipy.h - rows that call the inline functions of <minipy/mem.h>. */
#ifndef BENCH_ALLOC_INLINE_MINIPY_H
#define BENCH_ALLOC_INLINE_MINIPY_H

void
alloc_inline_rows(void);

#endif /* BENCH_ALLOC_INLINE_MINIPY_H */
