// AXI4 memory for simulation: settable latency, bursts under way and seeded random stalls, protocol checks, image and
// dump files. Read and write channels are independent. Timing (docs/architecture.md, section 8):
//   AR handshake in cycle t: first beat valid from t + latency on, beats in order, one per cycle; `outstanding` read
//   bursts at most between AR handshake and last beat.  Last W beat in t: BVALID from t + latency on, in order;
//   `outstanding` write bursts at most between AW and B handshake. WREADY: an address is known, or comes in this cycle.
//   A latency of 0 is one of 1: outputs come from registers.
// A burst is readable when its response is valid: who reads before is told apart from who waits.
//
// Plusargs (numbers are decimal):
//   +axi_latency=40  +axi_outstanding=8  +axi_seed=1
//   +axi_stall=0         probability in 1/256 that a channel pauses in a cycle; for one channel +axi_stall_ar= _r _aw _w _b
//   +axi_image=FILE      $readmemh image, a bus word per line, highest byte first; read at time 0 and on `load`
//   +axi_dump=FILE       $writememh on `dump` and at the end, words [+axi_dump_first, +axi_dump_last]
//   +axi_cases           FILE is a stem: the file of a case is FILE followed by `case_number` and ".hex"
// `load` and `dump` act once per change of level; `load_done` and `dump_done` follow when it is done.
// Words of no image are 0 at first. Errors are printed (the first 20) and counted in `num_errors`; `protocol_error`
// sticks. They are not `$error`, with which Verilator ends the run: the bench must judge the counter.
`timescale 1ns / 1ps
/* verilator lint_off BLKSEQ */
/* verilator lint_off WIDTHEXPAND */
/* verilator lint_off WIDTHTRUNC */
module axi_memory #(
    parameter integer ADDR_BITS = 64,
    parameter integer DATA_BYTES = 16,
    parameter integer ID_BITS = 1,
    parameter integer DEPTH_WORDS = 65536,  // memory, in words of DATA_BYTES, from address 0
    parameter integer MAX_OUTSTANDING = 64  // limit of +axi_outstanding; a power of two
) (
    input wire aclk,
    input wire aresetn,

    input wire [ID_BITS-1:0] arid,
    input wire [ADDR_BITS-1:0] araddr,
    input wire [7:0] arlen,
    input wire [2:0] arsize,
    input wire [1:0] arburst,
    input wire arvalid, output reg arready,

    output reg [ID_BITS-1:0] rid,
    output reg [8*DATA_BYTES-1:0] rdata,
    output reg [1:0] rresp,
    output reg rlast,
    output reg rvalid, input wire rready,

    input wire [ID_BITS-1:0] awid,
    input wire [ADDR_BITS-1:0] awaddr,
    input wire [7:0] awlen,
    input wire [2:0] awsize,
    input wire [1:0] awburst,
    input wire awvalid, output reg awready,

    input wire [8*DATA_BYTES-1:0] wdata,
    input wire [DATA_BYTES-1:0] wstrb,
    input wire wlast,
    input wire wvalid, output wire wready,

    output reg [ID_BITS-1:0] bid,
    output reg [1:0] bresp,
    output reg bvalid, input wire bready,

    input wire load, output reg load_done,
    input wire dump, output reg dump_done,
    input wire [31:0] case_number,
    output reg protocol_error,
    output reg [31:0] num_errors,
    output reg [63:0] cycle,            // number of the present cycle
    output reg [63:0] bytes_read,
    output reg [63:0] bytes_written,    // with a strobe
    output reg [63:0] last_read_cycle,  // of the last R handshake
    output reg [63:0] last_response_cycle  // of the last B handshake
);
  localparam integer DATA_BITS = 8 * DATA_BYTES;
  localparam integer SIZE_LOG2 = $clog2(DATA_BYTES);
  localparam integer WORD_BITS = ADDR_BITS - SIZE_LOG2;
  localparam integer PENDING = MAX_OUTSTANDING * 256;
  localparam integer ENTRY_BITS = $clog2(MAX_OUTSTANDING);
  localparam integer BEAT_BITS = $clog2(PENDING);

  typedef struct packed {
    reg [WORD_BITS-1:0] word;
    reg [7:0] len;
    reg [ID_BITS-1:0] id;
    reg [63:0] due;  // first cycle of the first beat, or of the response
  } burst_t;
  reg [DATA_BITS-1:0] memory[0:DEPTH_WORDS-1];

  // ---- settings and files
  integer latency, outstanding, seed, stall_all, stall_ar, stall_r, stall_aw, stall_w, stall_b;
  integer dump_first, dump_last;
  string image_file, dump_file;

  function automatic integer clamp(input integer value, input integer low, input integer high);
    clamp = value < low ? low : value > high ? high : value;
  endfunction

  function automatic string case_file(input string stem);
    case_file = $test$plusargs("axi_cases") != 0 ? $sformatf("%s%0d.hex", stem, case_number) : stem;
  endfunction

  task load_image(); if (image_file != "") $readmemh(case_file(image_file), memory); endtask
  task dump_image(); if (dump_file != "") $writememh(case_file(dump_file), memory, dump_first, dump_last); endtask

  initial begin
    for (integer word = 0; word < DEPTH_WORDS; word = word + 1) memory[word] = '0;
    if ($value$plusargs("axi_latency=%d", latency) == 0) latency = 40;
    if ($value$plusargs("axi_outstanding=%d", outstanding) == 0) outstanding = 8;
    if ($value$plusargs("axi_seed=%d", seed) == 0) seed = 1;
    if ($value$plusargs("axi_stall=%d", stall_all) == 0) stall_all = 0;
    if ($value$plusargs("axi_stall_ar=%d", stall_ar) == 0) stall_ar = stall_all;
    if ($value$plusargs("axi_stall_r=%d", stall_r) == 0) stall_r = stall_all;
    if ($value$plusargs("axi_stall_aw=%d", stall_aw) == 0) stall_aw = stall_all;
    if ($value$plusargs("axi_stall_w=%d", stall_w) == 0) stall_w = stall_all;
    if ($value$plusargs("axi_stall_b=%d", stall_b) == 0) stall_b = stall_all;
    if ($value$plusargs("axi_image=%s", image_file) == 0) image_file = "";
    if ($value$plusargs("axi_dump=%s", dump_file) == 0) dump_file = "";
    if ($value$plusargs("axi_dump_first=%d", dump_first) == 0) dump_first = 0;
    if ($value$plusargs("axi_dump_last=%d", dump_last) == 0) dump_last = DEPTH_WORDS - 1;
    latency = clamp(latency, 0, 1000000);
    outstanding = clamp(outstanding, 1, MAX_OUTSTANDING);
    dump_last = clamp(dump_last, 0, DEPTH_WORDS - 1);
    dump_first = clamp(dump_first, 0, dump_last);
    if ($test$plusargs("axi_cases") == 0) load_image();
    {load_done, dump_done, protocol_error, num_errors} = 0;
  end

  always @(posedge aclk) begin
    if (load != load_done) load_image();
    if (dump != dump_done) dump_image();
    {load_done, dump_done} <= {load, dump};
  end

  final if ($test$plusargs("axi_cases") == 0) dump_image();

  task report(input string text);
    protocol_error = 1'b1;
    num_errors = num_errors + 1;
    if (num_errors <= 20) $display("axi_memory: error in cycle %0d: %s", cycle, text);
  endtask

  task check_address(input string channel, input [ADDR_BITS-1:0] address, input [7:0] len, input [2:0] size,
                     input [1:0] burst);
    reg [63:0] first, last;
    first = 64'(address);
    last = first + 64'(DATA_BYTES) * (64'(len) + 64'd1) - 64'd1;
    if (burst != 2'd1) report($sformatf("%s: burst type %0d, expected 1 (incrementing)", channel, burst));
    if (size != SIZE_LOG2[2:0]) report($sformatf("%s: size %0d, expected %0d", channel, size, SIZE_LOG2));
    if (first % 64'(DATA_BYTES) != 0) report($sformatf("%s: unaligned address %0h", channel, address));
    if (first[63:12] != last[63:12]) report($sformatf("%s: burst %0h..%0h crosses 4 KiB", channel, first, last));
    if (last >= 64'(DEPTH_WORDS) * 64'(DATA_BYTES))
      report($sformatf("%s: burst %0h..%0h ends beyond the memory", channel, first, last));
  endtask

  // ---- stalls: one xorshift generator; 8 bits of it for each channel
  reg [63:0] random_state;
  function automatic [63:0] next_random(input [63:0] state);
    next_random = state ^ (state << 13);
    next_random = next_random ^ (next_random >> 7);
    next_random = next_random ^ (next_random << 17);
  endfunction
  wire pause_ar = {24'd0, random_state[7:0]} < stall_ar;
  wire pause_r = {24'd0, random_state[19:12]} < stall_r;
  wire pause_aw = {24'd0, random_state[31:24]} < stall_aw;
  wire pause_w = {24'd0, random_state[43:36]} < stall_w;
  wire pause_b = {24'd0, random_state[55:48]} < stall_b;

  always @(posedge aclk) begin
    if (!aresetn) begin
      cycle <= 64'd0;
      random_state <= 64'h9E37_79B9_7F4A_7C15 ^ {seed, seed};
    end else begin
      cycle <= cycle + 64'd1;
      random_state <= next_random(random_state);
    end
  end

  // ---- read
  burst_t r_burst[0:MAX_OUTSTANDING-1];
  reg [ENTRY_BITS-1:0] r_put, r_get;
  reg [7:0] r_beat;
  integer r_count;
  always @(posedge aclk) begin
    if (!aresetn) begin
      {arready, rvalid} <= 2'd0;
      {r_put, r_get, r_beat} = 0;
      r_count = 0;
      {bytes_read, last_read_cycle} <= 128'd0;
    end else begin
      if (rvalid && rready) begin
        bytes_read <= bytes_read + 64'(DATA_BYTES);
        last_read_cycle <= cycle;
        rvalid <= 1'b0;
        if (rlast) begin
          r_get = r_get + 1'b1;
          r_count = r_count - 1;
        end
      end
      if (arvalid && arready) begin
        check_address("AR", araddr, arlen, arsize, arburst);
        r_burst[r_put] = {araddr[ADDR_BITS-1:SIZE_LOG2], arlen, arid, cycle + 64'(latency)};
        r_put = r_put + 1'b1;
        r_count = r_count + 1;
      end
      if ((!rvalid || rready) && r_count != 0 && r_burst[r_get].due <= cycle + 64'd1 && !pause_r) begin
        rvalid <= 1'b1;
        rid <= r_burst[r_get].id;
        rdata <= memory[r_burst[r_get].word];
        rresp <= 64'(r_burst[r_get].word) < 64'(DEPTH_WORDS) ? 2'd0 : 2'd3;
        rlast <= r_beat == r_burst[r_get].len;
        r_burst[r_get].word = r_burst[r_get].word + 1'b1;
        r_beat = r_beat == r_burst[r_get].len ? 8'd0 : r_beat + 8'd1;
      end
      arready <= r_count < outstanding && !pause_ar;
    end
  end

  // ---- write: bursts [w_done, w_put) wait for data, [w_get, w_done) for their response
  burst_t w_burst[0:MAX_OUTSTANDING-1];
  reg [DATA_BITS-1:0] beat_data[0:PENDING-1];
  reg [DATA_BYTES-1:0] beat_strobe[0:PENDING-1];
  reg [ENTRY_BITS-1:0] w_put, w_done, w_get;
  reg [BEAT_BITS-1:0] beat_put, beat_get;
  integer w_open, w_answered;
  reg [7:0] w_beat;
  reg w_allowed, w_is_known;
  assign wready = w_allowed && (w_is_known || (awvalid && awready));

  task commit(input [WORD_BITS-1:0] first, input [7:0] len);
    reg [WORD_BITS-1:0] word;
    for (integer beat = 0; beat <= {24'd0, len}; beat = beat + 1) begin
      word = first + WORD_BITS'(beat);
      for (integer lane = 0; lane < DATA_BYTES; lane = lane + 1)
        if (beat_strobe[beat_get][lane] && 64'(word) < 64'(DEPTH_WORDS))
          memory[word][8*lane+:8] = beat_data[beat_get][8*lane+:8];
      beat_get = beat_get + 1'b1;
    end
  endtask

  always @(posedge aclk) begin
    if (!aresetn) begin
      {awready, bvalid, w_allowed, w_is_known} <= 4'd0;
      {w_put, w_done, w_get, w_beat, beat_put, beat_get} = 0;
      w_open = 0;
      w_answered = 0;
      {bytes_written, last_response_cycle} <= 128'd0;
    end else begin
      if (bvalid && bready) begin
        bvalid <= 1'b0;
        last_response_cycle <= cycle;
        w_answered = w_answered - 1;
      end
      if (awvalid && awready) begin
        check_address("AW", awaddr, awlen, awsize, awburst);
        w_burst[w_put] = {awaddr[ADDR_BITS-1:SIZE_LOG2], awlen, awid, 64'd0};
        w_put = w_put + 1'b1;
        w_open = w_open + 1;
      end
      if (wvalid && wready) begin
        bytes_written <= bytes_written + 64'($countones(wstrb));
        beat_data[beat_put] = wdata;
        beat_strobe[beat_put] = wstrb;
        beat_put = beat_put + 1'b1;
        if (wlast != (w_beat == w_burst[w_done].len))
          report($sformatf("W: WLAST %0d at beat %0d of %0d", wlast, w_beat, w_burst[w_done].len));
        if (w_beat == w_burst[w_done].len) begin
          w_burst[w_done].due = cycle + 64'(latency);
          w_done = w_done + 1'b1;
          w_open = w_open - 1;
          w_answered = w_answered + 1;
          w_beat = 8'd0;
        end else w_beat = w_beat + 8'd1;
      end
      // w_answered counts the response that is on the channel, too; w_get is already past it.
      if ((!bvalid || bready) && w_answered != 0 && w_burst[w_get].due <= cycle + 64'd1 && !pause_b) begin
        bvalid <= 1'b1;
        bid <= w_burst[w_get].id;
        bresp <= 64'(w_burst[w_get].word) < 64'(DEPTH_WORDS) ? 2'd0 : 2'd3;
        commit(w_burst[w_get].word, w_burst[w_get].len);
        w_get = w_get + 1'b1;
      end
      awready <= w_open + w_answered < outstanding && !pause_aw;
      {w_allowed, w_is_known} <= {!pause_w, w_open != 0};
    end
  end

  // ---- what is valid stays valid and the same until it is taken
  reg ar_held, aw_held, w_held;
  reg [ADDR_BITS+12:0] ar_kept, aw_kept;
  reg [DATA_BITS+DATA_BYTES:0] w_kept;
  wire [ADDR_BITS+12:0] ar_now = {araddr, arlen, arsize, arburst};
  wire [ADDR_BITS+12:0] aw_now = {awaddr, awlen, awsize, awburst};
  wire [DATA_BITS+DATA_BYTES:0] w_now = {wdata, wstrb, wlast};
  always @(posedge aclk) begin
    {ar_held, ar_kept} <= {aresetn && arvalid && !arready, ar_now};
    {aw_held, aw_kept} <= {aresetn && awvalid && !awready, aw_now};
    {w_held, w_kept} <= {aresetn && wvalid && !wready, w_now};
    if (aresetn && ar_held && !(arvalid && ar_now == ar_kept)) report("AR: not stable until accepted");
    if (aresetn && aw_held && !(awvalid && aw_now == aw_kept)) report("AW: not stable until accepted");
    if (aresetn && w_held && !(wvalid && w_now == w_kept)) report("W: not stable until accepted");
  end
endmodule
