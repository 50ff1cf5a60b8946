// Takes the words of a stream and writes each with its cycle to a file of the kind `out`; a stall is
// a cycle without ready.
module stream_recorder #(
    parameter int WIDTH = 8,
    parameter string NAME = "o",
    parameter string FOLDER = ""  // with a slash at its end
) (
    input logic aclk,
    input logic start,
    input logic finish,
    input logic is_draining,
    input logic [31:0] case_index,
    input logic [31:0] cycle,
    input logic [31:0] expected,
    input logic [WIDTH-1:0] data,
    input logic valid,
    output logic ready,
    output logic is_done,
    output logic [31:0] count,
    output logic [31:0] first_cycle,
    output logic [31:0] last_cycle
);
  integer file = 0;
  `include "stall_runs.svh"

  assign is_done = count >= expected;

  initial begin
    ready = 0;
    count = 0;
    first_cycle = 0;
    last_cycle = 0;
  end

  always @(posedge aclk) begin
    if (start) begin
      start_case("out", "w");
      count <= 0;
      first_cycle <= 0;
      last_cycle <= 0;
    end else if (file != 0 && valid && ready) begin
      $fwrite(file, "%h %0d\n", data, cycle);
      count <= count + 1;
      last_cycle <= cycle;
      if (count == 0) first_cycle <= cycle;
    end
    if (finish && file != 0) begin
      $fclose(file);
      file = 0;
    end
    ready <= file != 0 && (is_draining || !is_stalled);
    next_cycle();
  end
endmodule
