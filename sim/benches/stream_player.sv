// Plays the words of a file into a stream; once valid is high it stays until the transfer.
// The file is case<index>_<NAME>.hex in the folder +job=..., the pattern of stalls
// case<index>_<NAME>.stall: one bit per cycle, 1 = do not offer a word, repeated for ever.
module stream_player #(
    parameter int WIDTH = 8,
    parameter string NAME = "a"
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
  localparam int STALLS = 4096;
  string folder, path;
  integer file = 0;
  logic [WIDTH-1:0] word;
  logic has_word = 0;
  logic stalls[0:STALLS-1];
  logic [$clog2(STALLS)-1:0] position = 0;

  initial begin
    data = '0;
    valid = 0;
    is_done = 1;
    count = 0;
    first_cycle = 0;
    last_cycle = 0;
    if (!$value$plusargs("job=%s", folder)) folder = ".";
  end

  always @(posedge aclk) begin
    if (start) begin
      if (file != 0) $fclose(file);
      $sformat(path, "%s/case%0d_%s.stall", folder, case_index, NAME);
      $readmemb(path, stalls);
      $sformat(path, "%s/case%0d_%s.hex", folder, case_index, NAME);
      file = $fopen(path, "r");
      if (file == 0) $fatal(1, "stream_player %s: cannot open %s", NAME, path);
      has_word = $fscanf(file, "%h", word) == 1;
      position = 0;
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
      valid <= has_word && !stalls[position];
      if (has_word && !stalls[position]) begin
        data <= word;
        has_word = $fscanf(file, "%h", word) == 1;
      end
    end
    position = position + 1;
  end
endmodule
