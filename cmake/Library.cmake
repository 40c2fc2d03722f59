# SPDX-License-Identifier: MIT
#
# minipy_objects   every source of lib/<layer>/, compiled once
# minipy           libminipy.so, from them, exporting what lib/libminipy.map names
# minipy_static    libminipy.a, from them
# minipy_internal  the static library plus lib/ as include folder: for tests that look inside
file(STRINGS "${PROJECT_SOURCE_DIR}/lib/LAYERS" MINIPY_LAYERS REGEX "^[a-z]+$")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/LAYERS")
if(MINIPY_LAST_LAYER)
    list(FIND MINIPY_LAYERS "${MINIPY_LAST_LAYER}" last)
    if(last LESS 0)
        message(FATAL_ERROR "MINIPY_LAST_LAYER=${MINIPY_LAST_LAYER}: lib/LAYERS has no such layer")
    endif()
    math(EXPR last "${last} + 1")
    list(SUBLIST MINIPY_LAYERS 0 ${last} MINIPY_LAYERS)
endif()

set(MINIPY_SOURCES "")
foreach(layer IN LISTS MINIPY_LAYERS)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/${layer}/*.c")
    set(MINIPY_SOURCES_${layer} ${sources})
    list(APPEND MINIPY_SOURCES ${sources})
endforeach()

# How every source below lib/ is compiled.
function(minipy_compile_settings target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11
        C_STANDARD_REQUIRED ON
        C_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden
        POSITION_INDEPENDENT_CODE ON)
    target_compile_definitions(${target} PRIVATE
        _GNU_SOURCE
        MPY_DEBUG=${MINIPY_DEBUG_LEVEL}
        MPY_SECURE=$<BOOL:${MINIPY_SECURE}>
        MPY_VALGRIND=$<BOOL:${MINIPY_VALGRIND}>
        MPY_BYPASS_POOLS=$<BOOL:${MINIPY_BYPASS_POOLS}>)
    # Unwind tables: messages of checked mode name the host's code (base/callsite.c).
    target_compile_options(${target} PRIVATE
        -fno-semantic-interposition -fno-plt -ftls-model=initial-exec -fasynchronous-unwind-tables)
    target_include_directories(${target} PRIVATE
        "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/lib")
    target_include_directories(${target} SYSTEM PRIVATE "${TOMMATH_INCLUDE_DIR}" "${XXHASH_INCLUDE_DIR}")
    minipy_warnings(${target})
endfunction()

# What differs between the two libraries: only a shared one has a range of text that is its own.
set(MINIPY_CALLSITE "${PROJECT_SOURCE_DIR}/lib/base/callsite.c")
list(REMOVE_ITEM MINIPY_SOURCES "${MINIPY_CALLSITE}")

add_library(minipy_objects OBJECT ${MINIPY_SOURCES})
# xxhash.h forces inlining that gcc only does from -O2 on.
if(EXISTS "${PROJECT_SOURCE_DIR}/lib/types/hash.c")
    set_source_files_properties("${PROJECT_SOURCE_DIR}/lib/types/hash.c" PROPERTIES COMPILE_OPTIONS -O2)
endif()
minipy_compile_settings(minipy_objects)
target_compile_definitions(minipy_objects PRIVATE MPY_LARGE_JEMALLOC=${MINIPY_LARGE_JEMALLOC})
target_link_libraries(minipy_objects PRIVATE Threads::Threads PkgConfig::UTF8PROC)

foreach(own_text 0 1)
    add_library(minipy_callsite_${own_text} OBJECT ${MINIPY_CALLSITE})
    minipy_compile_settings(minipy_callsite_${own_text})
    target_compile_definitions(minipy_callsite_${own_text} PRIVATE MPY_OWN_TEXT=${own_text})
endforeach()

add_library(minipy SHARED $<TARGET_OBJECTS:minipy_objects> $<TARGET_OBJECTS:minipy_callsite_1>)
add_library(minipy_static STATIC $<TARGET_OBJECTS:minipy_objects> $<TARGET_OBJECTS:minipy_callsite_0>)
add_library(minipy::minipy ALIAS minipy)
add_library(minipy::static ALIAS minipy_static)

foreach(target minipy minipy_static)
    target_include_directories(${target} PUBLIC
        "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
        "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
    set_target_properties(${target} PROPERTIES OUTPUT_NAME minipy LINKER_LANGUAGE C)
endforeach()
set_target_properties(minipy PROPERTIES
    EXPORT_NAME minipy
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    LINK_DEPENDS "${PROJECT_SOURCE_DIR}/lib/libminipy.map")
set_target_properties(minipy_static PROPERTIES EXPORT_NAME static)

# static-libgcc: the unwinder of base/callsite.c comes along, so that nothing has to be loaded in the midst of malloc().
# nodelete: threads that used the library run its exit handler when they end, after a dlclose(), too.
# A sanitizer's runtime is resolved when the program is linked, so only plain, whole builds can insist on no undefined names.
target_link_options(minipy PRIVATE -static-libgcc
    "LINKER:--version-script=${PROJECT_SOURCE_DIR}/lib/libminipy.map" "LINKER:-z,relro,-z,now,-z,nodelete")
if(NOT MINIPY_SANITIZE AND NOT MINIPY_LAST_LAYER)
    target_link_options(minipy PRIVATE "LINKER:--no-undefined")
endif()
target_link_libraries(minipy PRIVATE Threads::Threads PkgConfig::UTF8PROC "${TOMMATH_LIBRARY}" ${MINIPY_LARGE_LIBRARY})
target_link_libraries(minipy_static PUBLIC Threads::Threads ${MINIPY_LARGE_LIBRARY}
    "$<BUILD_INTERFACE:PkgConfig::UTF8PROC>" "$<BUILD_INTERFACE:${TOMMATH_LIBRARY}>"
    "$<INSTALL_INTERFACE:minipy::_utf8proc>" "$<INSTALL_INTERFACE:minipy::_tommath>")

add_library(minipy_internal INTERFACE)
target_link_libraries(minipy_internal INTERFACE minipy_static)
target_include_directories(minipy_internal INTERFACE "${PROJECT_SOURCE_DIR}/lib")
target_include_directories(minipy_internal SYSTEM INTERFACE "${TOMMATH_INCLUDE_DIR}" "${XXHASH_INCLUDE_DIR}")
target_compile_definitions(minipy_internal INTERFACE
    _GNU_SOURCE
    MPY_DEBUG=${MINIPY_DEBUG_LEVEL}
    MPY_SECURE=$<BOOL:${MINIPY_SECURE}>
    MPY_VALGRIND=$<BOOL:${MINIPY_VALGRIND}>
    MPY_BYPASS_POOLS=$<BOOL:${MINIPY_BYPASS_POOLS}>
    MPY_LARGE_JEMALLOC=${MINIPY_LARGE_JEMALLOC})

# libminipy-malloc.so: malloc and its family on lib/base and lib/alloc alone.
#
# minipy_preload_library(target MPY_PRELOAD_MMAP): its large blocks come from glibc's malloc, or straight from the system.
function(minipy_preload_library target from_mmap)
    add_library(${target} SHARED ${MINIPY_PRELOAD_SOURCES} ${MINIPY_SOURCES_base} ${MINIPY_SOURCES_alloc})
    minipy_compile_settings(${target})
    # Whatever MINIPY_LARGE_BACKEND says: free() has to know glibc's blocks, too.
    target_compile_definitions(${target} PRIVATE
        MPY_PRELOAD=1 MPY_PRELOAD_MMAP=${from_mmap} MPY_LARGE_JEMALLOC=0 MPY_OWN_TEXT=1)
    # The compiler may not turn what it knows of malloc into calls of it.
    target_compile_options(${target} PRIVATE
        -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free)
    target_link_libraries(${target} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
    # static-libgcc, nodelete: see minipy.
    target_link_options(${target} PRIVATE -static-libgcc "LINKER:--version-script=${PROJECT_SOURCE_DIR}/lib/preload/preload.map"
        "LINKER:--no-undefined,-z,relro,-z,now,-z,nodelete")
    set_target_properties(${target} PROPERTIES LINK_DEPENDS "${PROJECT_SOURCE_DIR}/lib/preload/preload.map")
endfunction()

file(GLOB MINIPY_PRELOAD_SOURCES CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lib/preload/*.c")
# C++ operators call each other through the dynamic linker, where a program's own come first; exceptions pass through them.
set_source_files_properties("${PROJECT_SOURCE_DIR}/lib/preload/new.c" "${PROJECT_SOURCE_DIR}/lib/preload/new_forms.c"
    PROPERTIES COMPILE_OPTIONS "-fsemantic-interposition;-fexceptions")
if(MINIPY_BUILD_PRELOAD AND NOT MINIPY_SANITIZE)
    minipy_preload_library(minipy_malloc 0)
    set_target_properties(minipy_malloc PROPERTIES
        OUTPUT_NAME minipy-malloc VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
endif()
