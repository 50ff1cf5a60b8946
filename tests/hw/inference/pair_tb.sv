// Every product of two int8 pairs with a shared int8 operand: 2^24 of them, 2^20 cycles of 16 pairs.
module pair_tb;
  bit clk = 0;
  always #1 clk = ~clk;
  bit [19:0] step = 0;
  wire signed [7:0] b0 = step[7:0];
  wire signed [7:0] b1 = step[15:8];
  wire [8:0] high = {b1[7], b1} - 9'(b0[7]);  // the packing that the array does at its edge
  bit [19:0] seen[4];
  int errors = 0;

  for (genvar n = 0; n < 16; n++) begin : g_pair
    wire [63:0] value;
    pair dut (
        .clk(clk), .rst(1'b0), .a_in({4'(n), step[19:16]}), .b_in({high, b0}), .first_in(1'b1),
        .value(value));
    // Operand a is looked at a cycle after b's column: it has a register more.
    bit signed [7:0] expected_a;
    bit signed [15:0] expected0, expected1;
    always_comb begin
      expected_a = {4'(n), seen[3][19:16]};
      expected0 = 16'(expected_a) * 16'($signed(seen[2][7:0]));
      expected1 = 16'(expected_a) * 16'($signed(seen[2][15:8]));
    end
    always @(negedge clk)
      if (cycles > 8 && (value[31:0] != 32'(expected0) || value[63:32] != 32'(expected1))) begin
        if (errors < 5) $display("a %0d, b %0h: %0h", expected_a, seen[2][15:0], value);
        errors++;
      end
  end

  int cycles = 0;
  always @(posedge clk) begin
    seen[0] <= step;
    seen[1] <= seen[0];
    seen[2] <= seen[1];
    seen[3] <= seen[2];
    step <= step + 1;
    cycles <= cycles + 1;
    if (cycles == (1 << 20) + 16) begin
      $display("RESULT cycles=%0d errors=%0d", cycles, errors);
      $finish;
    end
  end
endmodule
