# SPDX-License-Identifier: MIT
#
# The version is written once, as three macros in include/minipy/base.h.
function(minipy_read_version header out)
    file(STRINGS "${header}" lines REGEX "^#[ \t]*define[ \t]+MPY_LIB_VERSION_(MAJOR|MINOR|PATCH)[ \t]+[0-9]+")
    foreach(part MAJOR MINOR PATCH)
        string(REGEX MATCH "MPY_LIB_VERSION_${part}[ \t]+([0-9]+)" found "${lines}")
        if(NOT found)
            message(FATAL_ERROR "${header}: MPY_LIB_VERSION_${part} is missing")
        endif()
        set(${part} "${CMAKE_MATCH_1}")
    endforeach()
    set(${out} "${MAJOR}.${MINOR}.${PATCH}" PARENT_SCOPE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
endfunction()
