# The module _cuda: the kernels of _cpu for NVIDIA GPUs, if FASTGRAD_CUDA and the machine say so.

if(NOT FASTGRAD_CUDA MATCHES "^(AUTO|ON|OFF|EMULATE)$")
  message(FATAL_ERROR "FASTGRAD_CUDA is '${FASTGRAD_CUDA}', expected AUTO, ON, OFF or EMULATE")
endif()

set(cuda_sources
  csrc/cuda/activations.cu csrc/cuda/choice.cu csrc/cuda/copies.cu csrc/cuda/elementwise.cu csrc/cuda/embedding.cu
  csrc/cuda/library.cu csrc/cuda/linear.cu csrc/cuda/losses.cu csrc/cuda/mail.cu csrc/cuda/resident.cu
  csrc/cuda/resident_plan.cu csrc/cuda/softmax.cu csrc/cuda/updates.cu)

# Goes on without, which is an error if FASTGRAD_CUDA is ON.
macro(do_without reason)
  if(FASTGRAD_CUDA STREQUAL "ON")
    message(FATAL_ERROR "FASTGRAD_CUDA is ON, but ${reason}")
  endif()
  message(STATUS "fastgrad: no CUDA kernels: ${reason}")
  return()
endmacro()

if(FASTGRAD_CUDA STREQUAL "OFF")
  do_without("FASTGRAD_CUDA is OFF")
elseif(FASTGRAD_CUDA STREQUAL "EMULATE")
  message(STATUS "fastgrad: CUDA kernels for the processor, for tests")
  set_source_files_properties(${cuda_sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++;-Wno-unknown-pragmas")
  set(cuda_compiler "none: for the processor, for tests")
  set(cuda_architectures "")
else()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    do_without("nvcc was not found: put it on PATH or set CUDACXX")
  endif()
  if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90) # 90: machine code and PTX, which drivers compile for what comes later
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12) # C++20
    do_without("nvcc is ${CMAKE_CUDA_COMPILER_VERSION}, expected 12 or later")
  endif()
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # of nvcc; CMake has known it since 3.26
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "fastgrad: CUDA kernels with nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
  set(cuda_compiler "nvcc ${CMAKE_CUDA_COMPILER_VERSION}")
  string(REPLACE ";" " " cuda_architectures "${CMAKE_CUDA_ARCHITECTURES}")
endif()

add_library(cuda_kernels OBJECT ${cuda_sources})
set_target_properties(cuda_kernels PROPERTIES POSITION_INDEPENDENT_CODE ON)
pybind11_add_module(_cuda MODULE NO_EXTRAS
  csrc/bindings/cuda.cpp csrc/bindings/array_cupy.cpp csrc/bindings/activate.cpp csrc/bindings/linear.cpp
  csrc/bindings/rows.cpp csrc/bindings/losses.cpp csrc/bindings/updates.cpp csrc/bindings/linear_update.cpp
  csrc/bindings/copies.cpp csrc/bindings/elementwise.cpp csrc/bindings/program.cpp csrc/bindings/programs.cpp
  csrc/bindings/replay.cpp csrc/bindings/epoch.cpp csrc/bindings/update_options.cpp csrc/program/program.cpp
  csrc/cuda/call.cpp csrc/cuda/graph.cpp csrc/cuda/kernels.cpp csrc/bindings/team_cupy.cpp
  $<TARGET_OBJECTS:cuda_kernels>)
target_compile_definitions(_cuda PRIVATE FASTGRAD_ON_CUDA FASTGRAD_CUDA_COMPILER="${cuda_compiler}"
  FASTGRAD_CUDA_ARCHITECTURES="${cuda_architectures}")
target_compile_options(_cuda PRIVATE ${FASTGRAD_OPTIMIZE_BINDINGS})
add_executable(check_resident EXCLUDE_FROM_ALL tests/native/check_resident.cpp csrc/cuda/call.cpp csrc/cuda/kernels.cpp
  $<TARGET_OBJECTS:cuda_kernels>)
foreach(target _cuda check_resident)
  target_link_libraries(${target} PRIVATE fastgrad_options ${CMAKE_DL_LIBS})
endforeach()
if(FASTGRAD_CUDA STREQUAL "EMULATE")
  target_sources(_cuda PRIVATE tests/native/cuda_on_cpu/runtime.cpp tests/native/cuda_on_cpu/cublas.cpp
    tests/native/check_resident.cpp)
  target_sources(check_resident PRIVATE tests/native/cuda_on_cpu/runtime.cpp)
  foreach(target cuda_kernels _cuda check_resident)
    target_include_directories(${target} PRIVATE tests/native/cuda_on_cpu)
  endforeach()
  target_compile_options(cuda_kernels PRIVATE -O1 -ffp-contract=off -fno-math-errno)
else()
  # no contraction: see csrc/cuda/lane.hpp
  target_compile_options(cuda_kernels PRIVATE -O3 -fmad=false -Xptxas=--warn-on-spills)
  foreach(target _cuda check_resident)
    target_link_libraries(${target} PRIVATE CUDA::cudart_static)
  endforeach()
endif()
install(TARGETS _cuda COMPONENT cuda DESTINATION fastgrad)
