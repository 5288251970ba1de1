// `wgmma` on the host, after the PTX ISA: operands are read through their descriptor, from what
// the block's memory held when all its threads had last shown it and met; products are made when
// the thread waits for them. Where registers or memory have changed meanwhile, or where a fence or
// an aligned address is missing, the results are NaNs.
#pragma once

#include <cstdint>

namespace convnet::cuda::emulation {

unsigned shared_address(const float* p);  // in the window of shared memory

void show_to_wgmma();
void wgmma_begin();
void wgmma(float* d, const float* a, uint64_t b);  // m64n128k8, TF32
void wgmma_end();
void wgmma_wait(unsigned left);

// Of `run`: a block begins; so many threads, all there are, have met.
void wgmma_new_block();
void wgmma_at_barrier(unsigned threads);

}  // namespace convnet::cuda::emulation
