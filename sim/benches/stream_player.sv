// Plays the words of a file into a stream; once valid is high it stays until the transfer.
// The file is of the kind `hex`; a stall is a cycle in which no new word is offered.
module stream_player #(
    parameter int WIDTH = 8,
    parameter string NAME = "a",
    parameter string FOLDER = ""  // with a slash at its end
) (
    input logic aclk,
    input logic start,
    input logic [31:0] case_index,
    input logic [31:0] cycle,
    output logic [WIDTH-1:0] data,
    output logic valid,
    input logic ready,
    output logic is_done,
    output logic [31:0] count,
    output logic [31:0] first_cycle,
    output logic [31:0] last_cycle
);
  integer file = 0;
  logic [WIDTH-1:0] word;
  logic has_word = 0;
  `include "stall_runs.svh"

  initial begin
    data = '0;
    valid = 0;
    is_done = 1;
    count = 0;
    first_cycle = 0;
    last_cycle = 0;
  end

  always @(posedge aclk) begin
    if (start) begin
      start_case("hex", "r");
      has_word = $fscanf(file, "%h", word) == 1;
      count <= 0;
      first_cycle <= 0;
      last_cycle <= 0;
    end else if (valid && ready) begin
      count <= count + 1;
      last_cycle <= cycle;
      if (count == 0) first_cycle <= cycle;
    end
    if (start || !valid || ready) begin
      is_done <= !has_word;
      valid <= has_word && !is_stalled;
      if (has_word && !is_stalled) begin
        data <= word;
        has_word = $fscanf(file, "%h", word) == 1;
      end
    end
    next_cycle();
  end
endmodule
