// The accelerator's test bench in a bare loop: no Python, no VPI callbacks. What cocotb's program does per step is left
// out; model, test bench and memory image are the same. Reads lines "address value" (hexadecimal) of register writes,
// the last of which starts the accelerator; prints cycles and the processor seconds from there to the interrupt.
#include "Vtop.h"
#include "Vtop___024root.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#define TB(name) (top->rootp->accelerator_tb__DOT__##name)

static std::unique_ptr<Vtop> top;

static void step() {
    top->eval();
    if (!top->eventsPending()) {
        std::fprintf(stderr, "the clock stopped\n");
        std::exit(1);
    }
    Verilated::time(top->nextTimeSlot());
}

template <typename Condition> static void until(Condition condition) {
    while (!condition()) step();
}

static void request(uint32_t address, uint32_t value) {
    until([] { return !TB(aclk); });
    TB(host_address) = address;
    TB(host_write_data) = value;
    TB(host_is_write) = 1;
    TB(host_request) = !TB(host_request);
}

static double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    top = std::make_unique<Vtop>("");
    std::FILE* writes = std::fopen(argv[1], "r");
    if (!writes) return 2;
    until([] { return TB(aresetn); });
    unsigned address = 0, value = 0;
    double started = 0;
    while (std::fscanf(writes, "%x %x", &address, &value) == 2) {
        until([] { return TB(host_request) == TB(host_acknowledge); });
        started = seconds();
        request(address, value);
    }
    until([] { return TB(irq); });
    const double used = seconds() - started;
    std::printf("%llu %.6f\n", static_cast<unsigned long long>(TB(measured_cycles)), used);
    std::fclose(writes);
    top->final();
    top.reset();  // before the runtime's own statics go
    return 0;
}
