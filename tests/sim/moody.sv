// Echoes words, and misbehaves on command: 1 ends the simulator, 2 hangs, 3 drops a valid word,
// 4 changes the payload, 5 sends one word more, 6 kills the process.
module moody(input aclk, input aresetn,
  input [7:0] s_axis_i_tdata, input s_axis_i_tvalid, output s_axis_i_tready,
  output reg [7:0] m_axis_o_tdata, output reg m_axis_o_tvalid, input m_axis_o_tready);
  reg is_hung;
  reg [1:0] extra;
  assign s_axis_i_tready = !is_hung && !extra && (!m_axis_o_tvalid || m_axis_o_tready);
  always @(posedge aclk) begin
    if (!aresetn) begin
      is_hung <= 0; m_axis_o_tvalid <= 0; extra <= 0;
    end else begin
      if (m_axis_o_tready) m_axis_o_tvalid <= 0;
      if (m_axis_o_tvalid && !m_axis_o_tready) begin
        if (m_axis_o_tdata == 3) m_axis_o_tvalid <= 0;
        if (m_axis_o_tdata == 4) m_axis_o_tdata <= 99;
      end
      if (extra != 0 && (!m_axis_o_tvalid || m_axis_o_tready)) begin
        extra <= 0; m_axis_o_tvalid <= 1; m_axis_o_tdata <= 77;
      end
      if (s_axis_i_tvalid && s_axis_i_tready) begin
        if (s_axis_i_tdata == 1) $fatal(1, "as you wish");
        if (s_axis_i_tdata == 6) $c("std::abort();");
        is_hung <= s_axis_i_tdata == 2;
        extra <= s_axis_i_tdata == 5;
        m_axis_o_tvalid <= s_axis_i_tdata != 2;
        m_axis_o_tdata <= s_axis_i_tdata;
      end
    end
  end
endmodule
