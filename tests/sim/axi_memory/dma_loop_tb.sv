// Two DMA engines and a scratchpad around the AXI memory model; prints one line of numbers and ends.
`timescale 1ns / 1ps
module dma_loop_tb #(
    parameter integer DATA_BYTES = 8,
    parameter integer ADDR_BITS = 32,
    parameter integer DEPTH_WORDS = 8192
) ();
  reg aclk = 1'b0;
  reg aresetn = 1'b0;
  reg start = 1'b0;
  always #5 aclk = !aclk;

  wire [ADDR_BITS-1:0] d_araddr, d_awaddr;
  wire [7:0] arlen, awlen;
  wire [2:0] d_arsize, awsize;
  wire [1:0] arburst, d_awburst, rresp, bresp;
  wire d_arvalid, arready, rvalid, rready, rlast, awvalid, awready, wvalid, wready, d_wlast, bvalid, bready;
  wire [8*DATA_BYTES-1:0] rdata, d_wdata;
  wire [DATA_BYTES-1:0] wstrb;
  wire arid, rid, awid, bid, done, error, protocol_error, load_done, dump_done;
  wire [31:0] num_errors;
  wire [63:0] cycle, bytes_read, bytes_written, last_read_cycle, last_response_cycle;

  dma_loop dut (
      .aclk, .aresetn, .start, .done, .error,
      .m_axi_arid(arid), .m_axi_araddr(d_araddr), .m_axi_arlen(arlen), .m_axi_arsize(d_arsize),
      .m_axi_arburst(arburst), .m_axi_arcache(), .m_axi_arprot(), .m_axi_arvalid(d_arvalid),
      .m_axi_arready(arready), .m_axi_rid(rid), .m_axi_rdata(rdata), .m_axi_rresp(rresp),
      .m_axi_rlast(rlast), .m_axi_rvalid(rvalid), .m_axi_rready(rready), .m_axi_awid(awid),
      .m_axi_awaddr(d_awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize), .m_axi_awburst(d_awburst),
      .m_axi_awcache(), .m_axi_awprot(), .m_axi_awvalid(awvalid), .m_axi_awready(awready),
      .m_axi_wdata(d_wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(d_wlast), .m_axi_wvalid(wvalid),
      .m_axi_wready(wready), .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid),
      .m_axi_bready(bready)
  );

  axi_memory #(
      .ADDR_BITS(ADDR_BITS), .DATA_BYTES(DATA_BYTES), .ID_BITS(1), .DEPTH_WORDS(DEPTH_WORDS)
  ) memory (
      .load(1'b0), .dump(1'b0), .case_number(32'd0), .*
  );

  // What a wrong manager might do: +fault=NAME.
  string fault;
  initial if ($value$plusargs("fault=%s", fault) == 0) fault = "";
  wire every_second = cycle[0];
  wire [ADDR_BITS-1:0] araddr = fault == "unaligned" ? d_araddr | 1 :
                                fault == "page" ? {d_araddr[ADDR_BITS-1:12], 12'hFF8} :
                                fault == "range" ? d_araddr | 32'h0010_0000 :
                                fault == "ar_unstable" ? d_araddr ^ {28'd0, every_second, 3'd0} : d_araddr;
  wire [ADDR_BITS-1:0] awaddr = fault == "aw_unstable" ? d_awaddr ^ {28'd0, every_second, 3'd0} : d_awaddr;
  wire [2:0] arsize = fault == "size" ? 3'd1 : d_arsize;
  wire [1:0] awburst = fault == "burst" ? 2'd2 : d_awburst;
  wire [8*DATA_BYTES-1:0] wdata = fault == "w_unstable" ? d_wdata ^ every_second : d_wdata;
  wire wlast = fault == "wlast" ? 1'b1 : d_wlast;
  wire arvalid = d_arvalid && !(fault == "ar_withdrawn" && every_second);

  reg [63:0] start_cycle;
  always @(posedge aclk) if (start) start_cycle <= cycle;
  initial begin
    repeat (4) @(posedge aclk);
    aresetn <= 1'b1;
    repeat (4) @(posedge aclk);
    start <= 1'b1;
    @(posedge aclk);
    start <= 1'b0;
    @(posedge aclk);
    while (!done) begin
      @(posedge aclk);
      if (cycle > 200000) begin
        $display("RESULT hang=1");
        $finish;
      end
    end
    $display("RESULT cycles=%0d bytes_read=%0d bytes_written=%0d errors=%0d protocol_errors=%0d",
             last_response_cycle - start_cycle, bytes_read, bytes_written, error, num_errors);
    $finish;
  end
endmodule
