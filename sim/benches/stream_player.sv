// Plays the words of a file into a stream; once valid is high it stays until the transfer.
// The file is case<index>_<NAME>.hex in the folder +job=..., the stalls case<index>_<NAME>.stall:
// lines `bit cycles`, 1 = do not offer a word, repeated for ever.
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
  string folder, path;
  integer file = 0;
  logic [WIDTH-1:0] word;
  logic has_word = 0;
  int runs[$];  // cycles of each run, negative ones stalled
  int run = 0, left = 0;
  int bit_of_run, count_of_run;
  logic is_stalled = 0;

  task start_run();
    is_stalled = runs[run] < 0;
    left = is_stalled ? -runs[run] : runs[run];
  endtask

  task load_runs();
    $sformat(path, "%s/%scase%0d_%s.stall", folder, FOLDER, case_index, NAME);
    file = $fopen(path, "r");
    runs.delete();
    if (file != 0)
      while ($fscanf(file, "%d %d", bit_of_run, count_of_run) == 2)
        runs.push_back(bit_of_run != 0 ? -count_of_run : count_of_run);
    if (runs.size() == 0) $fatal(1, "stream_player %s: cannot read %s", NAME, path);
    $fclose(file);
    run = 0;
    start_run();
  endtask

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
      load_runs();
      $sformat(path, "%s/%scase%0d_%s.hex", folder, FOLDER, case_index, NAME);
      file = $fopen(path, "r");
      if (file == 0) $fatal(1, "stream_player %s: cannot open %s", NAME, path);
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
    if (left == 1) begin
      run = run + 1 == runs.size() ? 0 : run + 1;
      start_run();
    end else begin
      left = left - 1;
    end
  end
endmodule
