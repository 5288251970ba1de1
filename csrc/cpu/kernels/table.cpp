// All kernels of one instruction set.
#include "cpu/kernel_table.h"
#include "cpu/simd/vec.h"

namespace convnet::CONVNET_ISA {

#define CONVNET_OP(name) void name(const KernelArgs&);
#define CONVNET_VIEW(name)
#include "ops/kernel_list.inc"
#undef CONVNET_OP

int64_t probe(int64_t rounds, float* sink);
void uniform(const Uniform& draw, int64_t begin, int64_t end);

#define CONVNET_TEXT_(x) #x
#define CONVNET_TEXT(x) CONVNET_TEXT_(x)

extern const KernelTable table;
const KernelTable table = {CONVNET_TEXT(CONVNET_ISA),
                           probe,
                           uniform,
                           {
#define CONVNET_OP(name) name,
#include "ops/kernel_list.inc"
#undef CONVNET_OP
#undef CONVNET_VIEW
                           }};

}  // namespace convnet::CONVNET_ISA
