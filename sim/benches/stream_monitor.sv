// Counts breaches of the stream rules: valid, once high, and the payload stay until the transfer.
module stream_monitor #(
    parameter int WIDTH = 8,
    parameter string NAME = "o"
) (
    input logic aclk,
    input logic aresetn,
    input logic [31:0] cycle,
    input logic [WIDTH-1:0] data,
    input logic valid,
    input logic ready,
    output logic [31:0] violations
);
  logic was_waiting = 0;
  logic [WIDTH-1:0] waiting = '0;

  initial violations = 0;

  always @(posedge aclk) begin
    was_waiting <= aresetn && valid && !ready;
    waiting <= data;
    if (aresetn && was_waiting && (!valid || data != waiting)) begin
      violations <= violations + 1;
      if (violations == 0)
        $display("stream rule: %s in cycle %0d: %s changed before the transfer", NAME, cycle,
                 valid ? "payload" : "valid");
    end
  end
endmodule
