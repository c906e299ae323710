using Grpc.Core;

namespace Lepton.Inference.Tests;

/// <summary>The OCR pipeline reads real images with the real models.</summary>
[Collection("node")]
public sealed class OcrTests(NodeFixture fixture)
{
    [Fact]
    public async Task Ocr_Invoice_ReadsEveryLineInOrder()
    {
        var answer = await InferAsync("invoice.png");

        Assert.Equal(
        [
            "Invoice No. 2026-00417", "Lepton Logistics GmbH, Hamburg", "Date: 14 March 2026", "Description", "Qty",
                "Amount",
            "Pallet transport, refrigerated", "12", "EUR 1,284.50", "Customs clearance", "1", "EUR 95.00",
            "Total due: EUR 1,379.50", "Please pay within 14 days. Thank you for your business!",
        ], answer.Strings("text"));
        Assert.All(answer.Floats("confidence"), confidence => Assert.InRange(confidence, 0.8f, 1f));
        // "Amount" was drawn with its baseline at (700, 200).
        var boxes = answer.Floats("boxes");
        Assert.Equal([14L, 4, 2], answer.Outputs.Single(o => o.Name == "boxes").Shape);
        Assert.InRange(boxes[5 * 8], 680, 705);
        Assert.InRange(boxes[(5 * 8) + 1], 165, 195);
        Assert.InRange(boxes[(5 * 8) + 5], 195, 215);
    }

    [Fact]
    public async Task Ocr_DarkScreenshot_IsRead() => Assert.Contains(
        "Your branch is up to date with origin/main.", (await InferAsync("screenshot.png")).Strings("text"));

    [Theory]
    [InlineData("label.jpg")]
    [InlineData("exif-rotated.jpg")] // the same, stored on its side with the orientation in its metadata
    public async Task Ocr_TiltedLabel_IsRead(string file)
    {
        var text = (await InferAsync(file)).Strings("text");

        Assert.Equal(["FRAGILE", "Handle with care"], text[..2]);
        Assert.Contains(text, line => line.Contains("24.5", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ocr_UpsideDown_IsTurned() =>
        Assert.Contains("Customs clearance", (await InferAsync("upside-down.png")).Strings("text"));

    [Fact]
    public async Task Ocr_TransparentPaper_IsWhite() =>
        Assert.Equal(["Transparent 42"], (await InferAsync("transparent.png")).Strings("text"));

    [Fact]
    public async Task Ocr_ImageAsUint8_IsTheSame()
    {
        var file = Vector.Bytes("transparent.png");
        var request = Messages.Request("ocr", ("image", "UINT8", [file.Length], file));

        Assert.Equal(["Transparent 42"], (await fixture.Node.InferAsync(request)).Strings("text"));
    }

    [Fact]
    public async Task Ocr_NoText_IsAnEmptyAnswer()
    {
        var answer = await RawAsync(Vector.WhitePng(64, 64));

        Assert.Empty(answer.Strings("text"));
        Assert.Equal([0L, 4, 2], answer.Outputs.Single(o => o.Name == "boxes").Shape);
    }

    [Fact]
    public async Task Ocr_Answer_NamesProviderAndLoad()
    {
        using var call = fixture.Node.InferAsync(Messages.Request("ocr",
            ("image", "BYTES", [1], Messages.Packed(Vector.Bytes("transparent.png")))));

        var answer = await call;

        Assert.Equal("cpu", answer.Parameters["x-lepton-provider"].StringParam);
        Assert.Equal("cpu", call.GetTrailers().GetValue("x-lepton-provider"));
        var load = Xds.Data.Orca.V3.OrcaLoadReport.Parser.ParseFrom(
            call.GetTrailers().GetValueBytes("endpoint-load-metrics-bin"));
        Assert.InRange(load.MemUtilization, double.Epsilon, 1);
    }

    public static TheoryData<string> Damaged => ["cut.png", "cut.jpg", "gif", "empty", "text", "bomb", "flipped.png",
        "no size"];

    [Theory]
    [MemberData(nameof(Damaged))]
    public async Task Ocr_DamagedOrHostileImage_IsRefused(string kind)
    {
        var file = kind switch
        {
            "cut.png" => Vector.Bytes("invoice.png")[..^2000],
            "cut.jpg" => Vector.Bytes("label.jpg")[..^2000],
            "gif" => "GIF89a\x01\x00\x01\x00\x80\x00\x00"u8.ToArray(),
            "empty" => [],
            "text" => "no image at all"u8.ToArray(),
            "bomb" => Vector.WhitePng(30_000, 30_000), // 900 million pixels in under a megabyte
            "no size" => Vector.WhitePng(0, 0), // libvips refuses it without saying why
            _ => Vector.Flipped("invoice.png"),
        };

        var error = await Messages.RefusedAsync(fixture.Node.InferAsync(Messages.Request("ocr",
            ("image", "BYTES", [1], Messages.Packed(file)))), StatusCode.InvalidArgument, "IMAGE_INVALID");

        Assert.False(error.Status.Detail.EndsWith(": ", StringComparison.Ordinal), "no cause");
        if (kind == "bomb")
            Assert.Contains("30000x30000 pixels, at most 40000000", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ocr_TwoImages_AreRefused() => await Messages.RefusedAsync(fixture.Node.InferAsync(
        Messages.Request("ocr", ("image", "BYTES", [2], Messages.Packed([1], [2])))), StatusCode.InvalidArgument,
            "INPUT_INVALID");

    private Task<OpenInference.ModelInferResponse> InferAsync(string file) => RawAsync(Vector.Bytes(file));

    private async Task<OpenInference.ModelInferResponse> RawAsync(byte[] file) =>
        await fixture.Node.InferAsync(Messages.Request("ocr", ("image", "BYTES", [1], Messages.Packed(file))));
}
