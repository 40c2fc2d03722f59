# SPDX-License-Identifier: MIT
#
# MINIPY_SANITIZE puts every target of this tree under the named sanitizers; the first report ends the program.
if(MINIPY_SANITIZE)
    add_compile_options(-fsanitize=${MINIPY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${MINIPY_SANITIZE})
endif()

# MINIPY_FUZZ: the library tells libFuzzer which code an input reaches.
if(MINIPY_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "MINIPY_FUZZ needs clang: use the preset fuzz. On Debian: ./dev setup check")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
