# cmake -P core/capi/cmake/rust-target-test.cmake: fails unless each line's flags give its target, processor and DSP extension.
include(${CMAKE_CURRENT_LIST_DIR}/rust-target.cmake)

function(expect flags wanted)
    ser_rust_target("${flags}" target cpu dsp)
    if(NOT "${target} ${cpu} ${dsp}" STREQUAL "${wanted}")
        message(FATAL_ERROR "${flags}: wanted '${wanted}', got '${target} ${cpu} ${dsp}'")
    endif()
endfunction()

expect("-mcpu=cortex-m0plus -mthumb" "thumbv6m-none-eabi  OFF")
expect("-mcpu=cortex-m3" "thumbv7m-none-eabi  OFF")
expect("-mcpu=cortex-m4 -mfloat-abi=softfp -mfpu=fpv4-sp-d16" "thumbv7em-none-eabi  OFF")
expect("-O2 -mcpu=cortex-m7 -mfloat-abi=hard" "thumbv7em-none-eabihf  OFF")
expect("-mcpu=cortex-m23" "thumbv8m.base-none-eabi  OFF")
expect("-mcpu=cortex-m33 -mfloat-abi=hard" "thumbv8m.main-none-eabihf cortex-m33 ON")
expect("-mfloat-abi=hard -mcpu=cortex-m33+nodsp" "thumbv8m.main-none-eabihf  OFF")
expect("-mcpu=cortex-m33 -mfloat-abi=soft" "thumbv8m.main-none-eabi  ON")
