# SPDX-License-Identifier: MIT
#
# minipy_warnings(target): the project's warnings, for gcc and clang.
# minipy_test_warnings(target): the same without the conversion warnings, for tests, examples and benchmarks.
set(MINIPY_WARNINGS_COMMON
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wcast-qual -Wformat=2
    -Wimplicit-fallthrough -Wswitch-enum)
set(MINIPY_WARNINGS_CONVERSION -Wconversion -Wsign-conversion)
set(MINIPY_WARNINGS_GNU -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
set(MINIPY_WARNINGS_CLANG -Wcomma -Wconditional-uninitialized)

function(minipy_test_warnings target)
    target_compile_options(${target} PRIVATE
        ${MINIPY_WARNINGS_COMMON}
        "$<$<C_COMPILER_ID:GNU>:${MINIPY_WARNINGS_GNU}>"
        "$<$<C_COMPILER_ID:Clang>:${MINIPY_WARNINGS_CLANG}>"
        $<$<BOOL:${MINIPY_WERROR}>:-Werror>)
endfunction()

function(minipy_warnings target)
    minipy_test_warnings(${target})
    target_compile_options(${target} PRIVATE ${MINIPY_WARNINGS_CONVERSION})
endfunction()
