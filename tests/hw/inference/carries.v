// Additions with functions of two nets in front of an addend, or of both, or of three.
module carries (
    input clk, first, minus, other,
    input signed [15:0] a, b, c,
    output reg signed [23:0] sum,
    output reg signed [16:0] magnitude, both, three, difference, shared,
    output reg is_less, is_odd
);
  initial begin
    sum = 0; magnitude = 0; both = 0; three = 0; difference = 0; shared = 0;
  end
  // Read twice: it stays.
  wire signed [15:0] masked = minus ? 16'sd0 : c;
  always @(posedge clk) begin
    sum <= (first ? 24'sd0 : sum) + a;
    magnitude <= (a ^ {16{minus}}) + minus;
    both <= (first ? 16'sd0 : a) + (minus ? b : 16'sd0);
    three <= a + (first ? b : c);
    difference <= a - (b | {16{other}});
    shared <= masked + b;
    is_odd <= ^masked;
    is_less <= (a & {16{first}}) < b;
  end
endmodule
