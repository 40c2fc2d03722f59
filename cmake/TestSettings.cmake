# SPDX-License-Identifier: MIT
#
# What the tests of tests/ and examples/ have in common: time limits and the sanitizers' options.

# Sanitizers and heap walks are slow; time limits follow.
set(factor 1)
if(MINIPY_SANITIZE OR MINIPY_DEBUG_LEVEL GREATER 1)
    set(factor 5)
endif()
set(MINIPY_TEST_TIMEOUT_FACTOR ${factor} CACHE STRING "Every test's time limit is multiplied by this")

set(MINIPY_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TSAN_OPTIONS=second_deadlock_stack=1:die_after_fork=0")
