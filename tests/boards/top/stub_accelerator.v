// Stands for an accelerator in tests of what surrounds one: sixteen registers, of which those from offset 32 on are not
// there; offset 4 counts the writes to offset 0, offset 8 the resets since the configuration. The memory port rests.
module stub #(
    parameter integer DATA_BYTES = 4,
    parameter integer ADDRESS_BITS = 12,
    parameter integer LITE_BITS = 12
) (
    input wire aclk, input wire aresetn, output wire irq,
    input wire [LITE_BITS-1:0] s_axil_awaddr, input wire [2:0] s_axil_awprot, input wire s_axil_awvalid,
    output wire s_axil_awready,
    input wire [31:0] s_axil_wdata, input wire [3:0] s_axil_wstrb, input wire s_axil_wvalid,
    output wire s_axil_wready,
    output reg [1:0] s_axil_bresp, output reg s_axil_bvalid, input wire s_axil_bready,
    input wire [LITE_BITS-1:0] s_axil_araddr, input wire [2:0] s_axil_arprot, input wire s_axil_arvalid,
    output wire s_axil_arready,
    output reg [31:0] s_axil_rdata, output reg [1:0] s_axil_rresp, output reg s_axil_rvalid,
    input wire s_axil_rready,
    output wire [0:0] m_axi_awid, output wire [ADDRESS_BITS-1:0] m_axi_awaddr, output wire [7:0] m_axi_awlen,
    output wire [2:0] m_axi_awsize, output wire [1:0] m_axi_awburst, output wire [3:0] m_axi_awcache,
    output wire [2:0] m_axi_awprot, output wire m_axi_awvalid, input wire m_axi_awready,
    output wire [8*DATA_BYTES-1:0] m_axi_wdata, output wire [DATA_BYTES-1:0] m_axi_wstrb, output wire m_axi_wlast,
    output wire m_axi_wvalid, input wire m_axi_wready,
    input wire [0:0] m_axi_bid, input wire [1:0] m_axi_bresp, input wire m_axi_bvalid, output wire m_axi_bready,
    output wire [0:0] m_axi_arid, output wire [ADDRESS_BITS-1:0] m_axi_araddr, output wire [7:0] m_axi_arlen,
    output wire [2:0] m_axi_arsize, output wire [1:0] m_axi_arburst, output wire [3:0] m_axi_arcache,
    output wire [2:0] m_axi_arprot, output wire m_axi_arvalid, input wire m_axi_arready,
    input wire [0:0] m_axi_rid, input wire [8*DATA_BYTES-1:0] m_axi_rdata, input wire [1:0] m_axi_rresp,
    input wire m_axi_rlast, input wire m_axi_rvalid, output wire m_axi_rready
);
  assign irq = 1'b0;
  assign {m_axi_awid, m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst, m_axi_awcache, m_axi_awprot} = '0;
  assign {m_axi_awvalid, m_axi_wdata, m_axi_wstrb, m_axi_wlast, m_axi_wvalid, m_axi_bready} = '0;
  assign {m_axi_arid, m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst, m_axi_arcache, m_axi_arprot} = '0;
  assign {m_axi_arvalid, m_axi_rready} = '0;

  reg [31:0] values[0:7];
  reg [31:0] starts = 0, resets = 0;
  reg was_reset = 0;
  wire is_write = s_axil_awvalid && s_axil_wvalid && !s_axil_bvalid;
  assign s_axil_awready = is_write;
  assign s_axil_wready = is_write;
  assign s_axil_arready = !s_axil_rvalid;
  always @(posedge aclk) begin
    was_reset <= !aresetn;
    if (!aresetn && !was_reset) resets <= resets + 1;
    if (!aresetn) begin
      s_axil_bvalid <= 0;
      s_axil_rvalid <= 0;
    end else begin
      if (s_axil_bvalid && s_axil_bready) s_axil_bvalid <= 0;
      if (is_write) begin
        s_axil_bvalid <= 1;
        s_axil_bresp <= s_axil_awaddr >= 32 ? 2'd2 : 2'd0;
        if (s_axil_awaddr == 0) starts <= starts + 1;
        if (s_axil_awaddr < 32) values[s_axil_awaddr[4:2]] <= s_axil_wdata;
      end
      if (s_axil_rvalid && s_axil_rready) s_axil_rvalid <= 0;
      if (s_axil_arvalid && s_axil_arready) begin
        s_axil_rvalid <= 1;
        s_axil_rresp <= s_axil_araddr >= 32 ? 2'd2 : 2'd0;
        s_axil_rdata <= s_axil_araddr == 4 ? starts : s_axil_araddr == 8 ? resets : values[s_axil_araddr[4:2]];
      end
    end
  end
endmodule
