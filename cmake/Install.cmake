# SPDX-License-Identifier: MIT
#
# Headers, both libraries, a relocatable pkg-config file and a CMake package (minipy::minipy, minipy::static).
include(CMakePackageConfigHelpers)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h")
install(TARGETS minipy minipy_static EXPORT minipyTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET minipy_malloc)
    install(TARGETS minipy_malloc LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/minipy")
install(EXPORT minipyTargets NAMESPACE minipy:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/minipyConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/minipyConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/minipyConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/minipyConfig.cmake" "${PROJECT_BINARY_DIR}/minipyConfigVersion.cmake"
    DESTINATION "${package_dir}")

# pkg-config: the prefix is found from where the file lies, so that the tree can be moved.
cmake_path(IS_ABSOLUTE CMAKE_INSTALL_LIBDIR absolute)
if(absolute)
    set(MINIPY_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
else()
    set(from "/${CMAKE_INSTALL_LIBDIR}/pkgconfig")
    cmake_path(RELATIVE_PATH from BASE_DIRECTORY "/" OUTPUT_VARIABLE from)
    string(REGEX REPLACE "[^/]+" ".." MINIPY_PC_UP "${from}")
    set(MINIPY_PC_PREFIX "\${pcfiledir}/${MINIPY_PC_UP}")
endif()
foreach(dir INCLUDEDIR LIBDIR)
    cmake_path(IS_ABSOLUTE CMAKE_INSTALL_${dir} absolute)
    if(absolute)
        set(MINIPY_PC_${dir} "${CMAKE_INSTALL_${dir}}")
    else()
        set(MINIPY_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
configure_file("${PROJECT_SOURCE_DIR}/cmake/minipy.pc.in" "${PROJECT_BINARY_DIR}/minipy.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/minipy.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
