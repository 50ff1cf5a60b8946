// Products of many shapes with registers of many kinds around them; some may move into a multiplier
// block, some must stay.
module multipliers (
    input clk, rst, enable,
    input signed [7:0] a, b,
    input [17:0] u, v,
    input signed [11:0] s,
    output reg signed [31:0] sum,
    output signed [7:0] passed,
    output reg [35:0] wide,
    output reg signed [29:0] mixed,
    output reg signed [15:0] enabled, cleared, twice, again, early, bare
);
  // As in a processing element: operand registers with other readers, product, sum.
  reg signed [7:0] a1 = 0, b1 = 0, a2 = 0;
  reg signed [15:0] product = 0;
  initial sum = 0;
  always @(posedge clk) begin
    a1 <= a; b1 <= b; a2 <= a1;
    product <= a1 * b1;
    sum <= (rst ? 0 : sum) + product;
  end
  assign passed = a2;

  // All 18 bits, unsigned, nobody else reads the operands.
  reg [17:0] u1 = 0, v1 = 0;
  initial wide = 0;
  always @(posedge clk) begin u1 <= u; v1 <= v; wide <= u1 * v1; end

  // Signed by unsigned.
  reg signed [11:0] s1 = 0;
  reg [16:0] w1 = 0;
  initial mixed = 0;
  always @(posedge clk) begin s1 <= s; w1 <= u[16:0]; mixed <= s1 * $signed({1'b0, w1}); end

  // An operand with an enable, and one with a reset: only the products can move.
  reg signed [7:0] e1 = 0, r1 = 0;
  initial begin enabled = 0; cleared = 0; end
  always @(posedge clk) begin
    if (enable) e1 <= a;
    if (rst) r1 <= 0; else r1 <= b;
    enabled <= e1 * b1;
    cleared <= r1 * a1;
  end

  // A product that two registers read, and one whose register starts with 1: neither can move.
  wire signed [15:0] shared = a2 * b1;
  wire signed [15:0] other = a2 * r1;
  initial begin twice = 0; again = 0; early = 1; end
  always @(posedge clk) begin
    twice <= shared;
    if (enable) again <= shared;
    early <= other;
  end

  // No registers at the operands.
  initial bare = 0;
  always @(posedge clk) bare <= a * $signed(s[7:0]);
endmodule
