# SPDX-License-Identifier: MIT
#
# MINIPY_SANITIZE puts every target of this tree under the named sanitizers; the first report ends the program.
if(MINIPY_SANITIZE)
    add_compile_options(-fsanitize=${MINIPY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${MINIPY_SANITIZE})
endif()
