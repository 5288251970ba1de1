# One OBJECT library per instruction set: the same kernel sources, compiled with that set's flags in a namespace of its own.
# -ffp-contract=off: a multiply-add is fused only where the source says so, so that all compilers give the same bits.
function(convnet_add_isa target isa)
  file(GLOB kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cpu/kernels/*.cpp)
  add_library(convnet_${isa} OBJECT ${kernels})
  target_compile_definitions(convnet_${isa} PRIVATE CONVNET_ISA=${isa} CONVNET_ISA_${isa}=1)
  target_compile_options(convnet_${isa} PRIVATE
    ${ARGN} -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-exceptions -fno-rtti -fno-threadsafe-statics)
  # GCC's own AVX-512 headers set this off.
  target_compile_options(convnet_${isa} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-uninitialized>)
  target_include_directories(convnet_${isa} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(convnet_${isa} PRIVATE convnet_options)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:convnet_${isa}>)
  target_compile_definitions(${target} PRIVATE CONVNET_HAVE_${isa}=1)
endfunction()

function(convnet_add_isas target)
  convnet_add_isa(${target} portable)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    convnet_add_isa(${target} avx2 -mavx2 -mfma -mf16c)
    convnet_add_isa(${target} avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    convnet_add_isa(${target} neon)
  endif()
endfunction()
