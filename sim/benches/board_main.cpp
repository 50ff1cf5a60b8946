// A simulated board in real pins: clock, serial line. A pseudo terminal stands where the computer has its serial port,
// so that a driver for a real board drives this one.
//   board PORT_FILE DIVISOR [BUTTON]
// The terminal's name is written to PORT_FILE. DIVISOR: clock cycles per bit. BUTTON: 1 if the pin
// of the reset button, where there is one, is high while nobody presses it. Runs until SIGTERM, then prints what it
// did. While nobody sends and nothing is on the line it waits for bytes instead of simulating a board that waits.
#include "Vtop.h"
#include "verilated.h"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <string>
#include <termios.h>
#include <unistd.h>

static volatile std::sig_atomic_t is_over = 0;
static void end(int) { is_over = 1; }

static const uint64_t IDLE_CYCLES = 200000;  // without a bit on the line, nor a byte to send
static const unsigned POLL_CYCLES = 256;      // between two looks at the terminal

// The terminal's other end stays open here too: else it would hang up between two drivers.
static int open_terminal(const char* port_file) {
    const int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0 || grantpt(fd) || unlockpt(fd)) return -1;
    const char* name = ptsname(fd);
    const int other = open(name, O_RDWR | O_NOCTTY);
    termios settings;
    if (other < 0 || tcgetattr(other, &settings)) return -1;
    cfmakeraw(&settings);
    if (tcsetattr(other, TCSANOW, &settings)) return -1;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    const std::string partial = std::string(port_file) + ".partial";
    std::FILE* file = std::fopen(partial.c_str(), "w");
    if (!file) return -1;
    std::fprintf(file, "%s\n", name);
    if (std::fclose(file) || std::rename(partial.c_str(), port_file)) return -1;
    return fd;
}

// Bits of bytes that wait, from the computer to the board.
struct Talker {
    std::deque<uint8_t> bytes;
    unsigned divisor, bits = 0, left = 0, timer = 0;
    bool step(bool& pin) {  // false: nothing to do
        if (timer) return --timer, true;
        if (left) {
            pin = bits & 1;
            bits >>= 1, --left, timer = divisor - 1;
            return true;
        }
        pin = true;
        if (bytes.empty()) return false;
        bits = static_cast<unsigned>(bytes.front()) << 1 | 1u << 9;  // start, data, stop
        bytes.pop_front();
        left = 10;
        return step(pin);
    }
};

// Bytes from the board's bits, sampled in their middle.
struct Listener {
    unsigned divisor, bits = 0, place = 0, timer = 0;
    bool is_busy = false;
    int step(bool pin) {  // a byte, -1 while there is none, -2 where the stop bit is missing
        if (!is_busy) {
            if (!pin) is_busy = true, timer = divisor / 2, place = 0;
            return -1;
        }
        if (timer) return --timer, -1;
        timer = divisor - 1;
        if (place == 0) return is_busy = !pin, ++place, -1;
        if (place <= 8) return bits = bits >> 1 | unsigned(pin) << 7, ++place, -1;
        is_busy = false;
        return pin ? static_cast<int>(bits) : -2;
    }
};

template <typename Board> static void release_button(Board& board, bool level) {
    if constexpr (requires { board.reset; }) board.reset = level;
}

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    std::signal(SIGTERM, end);
    Verilated::commandArgs(argc, argv);
    const int fd = open_terminal(argv[1]);
    if (fd < 0) {
        std::perror("no pseudo terminal");
        return 1;
    }
    const unsigned divisor = std::strtoul(argv[2], nullptr, 10);
    auto board = std::make_unique<Vtop>();
    release_button(*board, argc > 3 && argv[3][0] == '1');
    Talker talker{{}, divisor};
    Listener listener{divisor};
    uint64_t cycles = 0, last_event = 0, received = 0, sent = 0, lost = 0, broken = 0;
    bool pin = true;
    while (!is_over) {
        if (cycles % POLL_CYCLES == 0) {
            uint8_t buffer[4096];
            pollfd waiting{fd, POLLIN, 0};
            if (cycles - last_event > IDLE_CYCLES) poll(&waiting, 1, 100);
            const ssize_t count = talker.bytes.size() < 4096 ? read(fd, buffer, sizeof buffer) : 0;
            for (ssize_t i = 0; i < count; ++i) talker.bytes.push_back(buffer[i]);
            if (count > 0) last_event = cycles, received += count;
        }
        if (talker.step(pin)) last_event = cycles;
        board->rx = pin;
        board->clk = 0;
        board->eval();
        board->clk = 1;
        board->eval();
        ++cycles;
        const int byte = listener.step(board->tx);
        if (listener.is_busy) last_event = cycles;
        if (byte == -2) ++broken;
        if (byte >= 0) {  // as on a real line, what nobody fetches is lost
            const uint8_t out = static_cast<uint8_t>(byte);
            write(fd, &out, 1) == 1 ? ++sent : ++lost;
        }
    }
    std::printf("cycles %llu received %llu sent %llu lost %llu broken %llu\n",
                static_cast<unsigned long long>(cycles), static_cast<unsigned long long>(received),
                static_cast<unsigned long long>(sent), static_cast<unsigned long long>(lost),
                static_cast<unsigned long long>(broken));
    board->final();
    return 0;
}
