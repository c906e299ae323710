using System.Buffers.Binary;
using Google.Protobuf;
using Lepton.Cli.Inference;
using OpenInference;

namespace Lepton.Cli.Tests.Inference;

public sealed class AnswerTests
{
    [Fact]
    public void OcrRequest_Image_TravelsBehindItsLength()
    {
        ModelInferRequest request = OcrAnswer.Request([7, 8, 9]);

        Assert.Equal("ocr", request.ModelName);
        Assert.Equal(("image", "BYTES"), (request.Inputs.Single().Name, request.Inputs.Single().Datatype));
        Assert.Equal([3, 0, 0, 0, 7, 8, 9], request.RawInputContents.Single().ToByteArray());
    }

    [Fact]
    public void OcrAnswer_TwoLines_HoldsTextConfidenceAndCorners()
    {
        OcrAnswer answer = OcrAnswer.From(Responses.Ocr());

        Assert.Equal("INVOICE 20417\nZürich", answer.Text);
        Assert.Equal(0.87f, answer.Lines[1].Confidence);
        Assert.Equal([(1, 12), (9, 12), (9, 18), (1, 18)], answer.Lines[1].Box);
    }

    [Fact]
    public void OcrAnswer_NoText_IsEmpty()
    {
        OcrAnswer answer = OcrAnswer.From(Responses.Create("ocr",
            ("text", "BYTES", ByteString.Empty),
            ("confidence", "FP32", ByteString.Empty),
            ("boxes", "FP32", ByteString.Empty)));

        Assert.Empty(answer.Lines);
        Assert.Equal("", answer.Text);
    }

    [Fact]
    public void OcrAnswer_FewerConfidencesThanTexts_IsRefused()
    {
        ModelInferResponse response = Responses.Ocr();
        response.RawOutputContents[1] = Responses.Floats(0.5f);

        CommandFailure failure = Assert.Throws<CommandFailure>(() => OcrAnswer.From(response));

        Assert.Contains("2 texts, 1 confidences", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5u)]
    [InlineData(uint.MaxValue)]
    public void Strings_LengthBeyondTheEnd_IsRefused(uint length)
    {
        byte[] raw = [0, 0, 0, 0, 65, 66, 67, 68];
        BinaryPrimitives.WriteUInt32LittleEndian(raw, length);
        ModelInferResponse response = Responses.Create("ocr", ("text", "BYTES", ByteString.CopyFrom(raw)));

        Assert.Throws<CommandFailure>(() => Tensors.Strings(response, "text"));
    }

    [Fact]
    public void Strings_OutputMissing_NamesIt()
    {
        ModelInferResponse response = Responses.Create("ocr", ("other", "BYTES", ByteString.Empty));

        CommandFailure failure = Assert.Throws<CommandFailure>(() => Tensors.Strings(response, "text"));

        Assert.Contains("'text': it is missing", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Floats_OtherType_SaysWhatCame()
    {
        ModelInferResponse response = Responses.Create("ocr", ("confidence", "FP64", ByteString.Empty));

        CommandFailure failure = Assert.Throws<CommandFailure>(() => Tensors.Floats(response, "confidence"));

        Assert.Contains("FP64 came, FP32 is expected", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LanguageAnswer_OneText_HoldsLanguageAndConfidence() =>
        Assert.Equal(new LanguageAnswer("deu", 0.9f), LanguageAnswer.From(Responses.Language("deu", 0.9f)));

    [Fact]
    public void LanguageAnswer_TwoForOneText_IsRefused()
    {
        ModelInferResponse response = Responses.Language("deu", 0.9f);
        response.RawOutputContents[0] = Responses.Strings("deu", "nld");

        CommandFailure failure = Assert.Throws<CommandFailure>(() => LanguageAnswer.From(response));

        Assert.Contains("2 languages and 1 confidences", failure.Message, StringComparison.Ordinal);
    }
}
