// Takes the words of a stream and writes each with its cycle to case<index>_<NAME>.out in the folder
// +job=...; case<index>_<NAME>.stall holds lines `bit cycles`, 1 = not ready, repeated for ever.
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
  string folder, path;
  integer file = 0;
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
    if (runs.size() == 0) $fatal(1, "stream_recorder %s: cannot read %s", NAME, path);
    $fclose(file);
    run = 0;
    start_run();
  endtask

  assign is_done = count >= expected;

  initial begin
    ready = 0;
    count = 0;
    first_cycle = 0;
    last_cycle = 0;
    if (!$value$plusargs("job=%s", folder)) folder = ".";
  end

  always @(posedge aclk) begin
    if (start) begin
      if (file != 0) $fclose(file);
      load_runs();
      $sformat(path, "%s/%scase%0d_%s.out", folder, FOLDER, case_index, NAME);
      file = $fopen(path, "w");
      if (file == 0) $fatal(1, "stream_recorder %s: cannot open %s", NAME, path);
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
    if (left == 1) begin
      run = run + 1 == runs.size() ? 0 : run + 1;
      start_run();
    end else begin
      left = left - 1;
    end
  end
endmodule
