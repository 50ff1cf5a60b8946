// The files of one side of a stream and its stalls, for a module with the parameters NAME and
// FOLDER, the input case_index and the variable file; included by player and recorder.
// Files are case<index>_<NAME>.<kind> in the folder +job=...; the kind `stall` holds lines
// `bit cycles`, 1 = stalled, repeated for ever.
string folder, path;
int runs[$];  // cycles of each run, negative ones stalled
int run = 0, left = 0;
int bit_of_run, count_of_run;
logic is_stalled = 0;

initial if (!$value$plusargs("job=%s", folder)) folder = ".";

task open_file(string kind, string mode);
  $sformat(path, "%s/%scase%0d_%s.%s", folder, FOLDER, case_index, NAME, kind);
  file = $fopen(path, mode);
  if (file == 0) $fatal(1, "stream %s: cannot open %s", NAME, path);
endtask

task start_run();
  is_stalled = runs[run] < 0;
  left = is_stalled ? -runs[run] : runs[run];
endtask

task load_runs();
  open_file("stall", "r");
  runs.delete();
  while ($fscanf(file, "%d %d", bit_of_run, count_of_run) == 2)
    runs.push_back(bit_of_run != 0 ? -count_of_run : count_of_run);
  if (runs.size() == 0) $fatal(1, "stream %s: no stalls in %s", NAME, path);
  $fclose(file);
  run = 0;
  start_run();
endtask

// What both sides do when a case starts: the stalls of this case, then its file of words.
task start_case(string kind, string mode);
  if (file != 0) $fclose(file);
  load_runs();
  open_file(kind, mode);
endtask

// Last in each cycle: what the module did in this cycle saw the value before.
task next_cycle();
  if (left == 1) begin
    run = run + 1 == runs.size() ? 0 : run + 1;
    start_run();
  end else begin
    left = left - 1;
  end
endtask
