# One OBJECT library per instruction set: the same kernel sources, compiled with that set's flags in a namespace of its own.
# -ffp-contract=off: a multiply-add is fused only where the source says so, so that all compilers give the same bits.
# GCC shall neither clone functions nor change their parameters, since only instances of templates that are the same in all
# files are merged by the linker. No exception passes a kernel, so there are no tables for unwinding it.
function(convnet_add_isa target isa)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "OPTIMIZE;OPTIMIZE_RARE" "FLAGS")
  file(GLOB kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cpu/kernels/*.cpp)
  add_library(convnet_${isa} OBJECT ${kernels})
  set_target_properties(convnet_${isa} PROPERTIES CONVNET_OPTIMIZE_RARE ${arg_OPTIMIZE_RARE})
  target_compile_definitions(convnet_${isa} PRIVATE CONVNET_ISA=${isa} CONVNET_ISA_${isa}=1)
  target_compile_options(convnet_${isa} PRIVATE ${arg_FLAGS} ${arg_OPTIMIZE} -ffp-contract=off -fno-math-errno -fno-trapping-math
    -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables
    $<$<CXX_COMPILER_ID:GNU>:-fno-ipa-cp-clone;-fno-ipa-sra>)
  # GCC's own AVX-512 headers set this off.
  target_compile_options(convnet_${isa} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-uninitialized>)
  target_include_directories(convnet_${isa} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(convnet_${isa} PRIVATE convnet_options)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:convnet_${isa}>)
  target_compile_definitions(${target} PRIVATE CONVNET_HAVE_${isa}=1)
endfunction()

# The sets that tell the speed of a model are compiled for speed, but for files that become twice as large by it and no
# faster; the set of CPUs from before AVX2, or of no known kind, is compiled for size.
function(convnet_add_isas target)
  set(rare binary gather winograd_pack)
  list(TRANSFORM rare REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/cpu/kernels/\\1.cpp")
  set_source_files_properties(${rare} PROPERTIES COMPILE_OPTIONS $<TARGET_PROPERTY:CONVNET_OPTIMIZE_RARE>)
  set(fast OPTIMIZE -O3 OPTIMIZE_RARE -O2)
  # So that GCC inlines short functions for size as well: those of shared headers may not be left in an object file.
  set(inline_short $<$<CXX_COMPILER_ID:GNU>:--param=max-inline-insns-size=40>)
  convnet_add_isa(${target} portable OPTIMIZE -Os OPTIMIZE_RARE -Os FLAGS ${inline_short})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    convnet_add_isa(${target} avx2 ${fast} FLAGS -mavx2 -mfma -mf16c)
    convnet_add_isa(${target} avx512 ${fast}
      FLAGS -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    convnet_add_isa(${target} neon ${fast})
  endif()
endfunction()
