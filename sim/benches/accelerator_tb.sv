// Test bench around a generated accelerator: clock, reset, a host that makes single AXI4-Lite accesses, the AXI4
// memory model, and a cycle counter. Python sleeps while the accelerator runs: it sets host_* and toggles
// host_request, or toggles load / dump, and waits for the matching answer to follow. The macro ACCELERATOR is the
// module's name.
`timescale 1ns / 1ps
module accelerator_tb #(
    parameter integer ADDRESS_BITS = 64,
    parameter integer DATA_BYTES = 16,
    parameter integer MEMORY_BYTES = 65536,
    parameter integer LITE_ADDRESS_BITS = 16
) ();
  localparam integer DATA_BITS = 8 * DATA_BYTES;
  localparam integer WORDS = MEMORY_BYTES / DATA_BYTES;

  reg aclk = 1'b0;
  reg aresetn = 1'b0;
  always #5 aclk = !aclk;
  reg reset_request = 1'b0;  // set by Python: a reset at any time
  reg [2:0] reset_cycles = 3'd7;
  always @(posedge aclk) begin
    if (reset_request) reset_cycles <= 3'd7;
    else if (reset_cycles != 3'd0) reset_cycles <= reset_cycles - 3'd1;
    aresetn <= !reset_request && reset_cycles == 3'd0;
  end

  // ---- AXI4 between the accelerator and the memory model
  wire arid, rid, awid, bid;
  wire [ADDRESS_BITS-1:0] araddr, awaddr;
  wire [7:0] arlen, awlen;
  wire [2:0] arsize, awsize;
  wire [1:0] arburst, awburst, rresp, bresp;
  wire arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, wlast, bvalid, bready;
  wire [DATA_BITS-1:0] rdata, wdata;
  wire [DATA_BYTES-1:0] wstrb;
  wire irq;

  // ---- memory files: toggled by Python, answered by the memory
  reg load = 1'b0;
  reg dump = 1'b0;
  reg [31:0] case_number = 32'd0;
  wire load_done, dump_done, protocol_error;
  wire [31:0] num_errors;
  wire [63:0] bytes_read, bytes_written;

  // ---- AXI4-Lite host
  reg host_request = 1'b0;      // toggled by Python: one access
  reg host_acknowledge = 1'b0;  // follows host_request when the access is over
  reg host_is_write = 1'b0;
  reg [LITE_ADDRESS_BITS-1:0] host_address = '0;
  reg [31:0] host_write_data = '0;
  reg [31:0] host_read_data = '0;
  reg [1:0] host_response = '0;

  reg l_awvalid = 1'b0, l_wvalid = 1'b0, l_arvalid = 1'b0, l_bready = 1'b0, l_rready = 1'b0;
  wire l_awready, l_wready, l_bvalid, l_arready, l_rvalid;
  wire [1:0] l_bresp, l_rresp;
  wire [31:0] l_rdata;
  reg host_busy = 1'b0;
  always @(posedge aclk) begin
    if (!host_busy && host_request != host_acknowledge && aresetn) begin
      host_busy <= 1'b1;
      if (host_is_write) begin
        l_awvalid <= 1'b1;
        l_wvalid <= 1'b1;
        l_bready <= 1'b1;
      end else begin
        l_arvalid <= 1'b1;
        l_rready <= 1'b1;
      end
    end
    if (l_awvalid && l_awready) l_awvalid <= 1'b0;
    if (l_wvalid && l_wready) l_wvalid <= 1'b0;
    if (l_arvalid && l_arready) l_arvalid <= 1'b0;
    if (l_bvalid && l_bready) begin
      l_bready <= 1'b0;
      host_response <= l_bresp;
      host_busy <= 1'b0;
      host_acknowledge <= host_request;
    end
    if (l_rvalid && l_rready) begin
      l_rready <= 1'b0;
      host_response <= l_rresp;
      host_read_data <= l_rdata;
      host_busy <= 1'b0;
      host_acknowledge <= host_request;
    end
  end

  // ---- cycles: from the W handshake of the latest host write to the latest write response
  reg [63:0] cycle = '0;
  reg [63:0] start_cycle = '0;
  reg [63:0] response_cycle = '0;
  always @(posedge aclk) begin
    cycle <= cycle + 1;
    if (l_wvalid && l_wready) start_cycle <= cycle;
    if (bvalid && bready) response_cycle <= cycle;
  end
  wire [63:0] measured_cycles = response_cycle - start_cycle + 1;

  `ACCELERATOR dut (
      .aclk(aclk), .aresetn(aresetn), .irq(irq),
      .s_axil_awaddr(host_address), .s_axil_awprot(3'd0), .s_axil_awvalid(l_awvalid), .s_axil_awready(l_awready),
      .s_axil_wdata(host_write_data), .s_axil_wstrb(4'hF), .s_axil_wvalid(l_wvalid), .s_axil_wready(l_wready),
      .s_axil_bresp(l_bresp), .s_axil_bvalid(l_bvalid), .s_axil_bready(l_bready),
      .s_axil_araddr(host_address), .s_axil_arprot(3'd0), .s_axil_arvalid(l_arvalid), .s_axil_arready(l_arready),
      .s_axil_rdata(l_rdata), .s_axil_rresp(l_rresp), .s_axil_rvalid(l_rvalid), .s_axil_rready(l_rready),
      .m_axi_arid(arid), .m_axi_araddr(araddr), .m_axi_arlen(arlen), .m_axi_arsize(arsize), .m_axi_arburst(arburst),
      .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(arvalid), .m_axi_arready(arready),
      .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast), .m_axi_rvalid(rvalid),
      .m_axi_rready(rready),
      .m_axi_awid(awid), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize), .m_axi_awburst(awburst),
      .m_axi_awcache(), .m_axi_awprot(), .m_axi_awvalid(awvalid), .m_axi_awready(awready),
      .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
      .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready)
  );

  axi_memory #(
      .ADDR_BITS(ADDRESS_BITS), .DATA_BYTES(DATA_BYTES), .ID_BITS(1), .DEPTH_WORDS(WORDS)
  ) memory (
      .aclk(aclk), .aresetn(aresetn),
      .arid(arid), .araddr(araddr), .arlen(arlen), .arsize(arsize), .arburst(arburst), .arvalid(arvalid),
      .arready(arready), .rid(rid), .rdata(rdata), .rresp(rresp), .rlast(rlast), .rvalid(rvalid), .rready(rready),
      .awid(awid), .awaddr(awaddr), .awlen(awlen), .awsize(awsize), .awburst(awburst), .awvalid(awvalid),
      .awready(awready), .wdata(wdata), .wstrb(wstrb), .wlast(wlast), .wvalid(wvalid), .wready(wready),
      .bid(bid), .bresp(bresp), .bvalid(bvalid), .bready(bready),
      .load(load), .dump(dump), .case_number(case_number), .load_done(load_done), .dump_done(dump_done),
      .protocol_error(protocol_error), .num_errors(num_errors), .cycle(),
      .bytes_read(bytes_read), .bytes_written(bytes_written), .last_read_cycle(), .last_response_cycle()
  );
endmodule
