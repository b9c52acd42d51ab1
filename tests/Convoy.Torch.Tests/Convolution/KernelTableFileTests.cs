using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

public sealed class KernelTableFileTests
{
    private const string Row = """{"input":[8,32,16,20],"weight":[64,32,3,5],"stride":[2,1],"padding":[1,2],"dtype":"bfloat16","pass":"input_gradient","kernel":"libtorch","milliseconds":{"libtorch":1.5}}""";

    private static readonly ConvolutionKey Key = new(new ConvolutionShape(8, 32, 16, 20, 64, 3, 5, 2, 1, 1, 2), ScalarType.BFloat16, ConvolutionPass.InputGradient);

    [Fact]
    public void Format_AChoice_IsALineOfTheFileThatGivesItBack()
    {
        var table = new KernelTable([new KernelChoice(Key, "libtorch", new Dictionary<string, double> { ["libtorch"] = 0.0015 })]);

        string text = KernelTableFile.Format(table);

        Assert.Equal($"{{\n  \"schema\": 1,\n  \"kernels\": [\n    {Row}\n  ]\n}}\n", text);
        KernelChoice choice = Assert.Single(KernelTableFile.Parse(text).Choices);
        Assert.Equal((Key, "libtorch", 0.0015), (choice.Key, choice.Kernel, choice.Seconds!["libtorch"]));
    }

    [Theory]
    [InlineData("", "line 1: ")]
    [InlineData("[]", "")]
    [InlineData("""{"schema":2,"kernels":[]}""", "")]
    [InlineData("""{"schema":1}""", "")]
    [InlineData("""{"schema":1,"kernels":[ROW,{"kernel":"libtorch"}]}""", "kernel 2 lacks input")]
    [InlineData("""{"schema":1,"kernels":[ROW]}""", "kernel 1 lacks input", "[8,32,16,20]", "[8,33,16,20]")] // weights of other channels
    [InlineData("""{"schema":1,"kernels":[ROW]}""", "kernel 1 lacks input", "[8,32,16,20]", "[0,32,16,20]")]
    [InlineData("""{"schema":1,"kernels":[ROW]}""", "kernel 1 lacks input", "bfloat16", "float16")]
    [InlineData("""{"schema":1,"kernels":[ROW]}""", "there is no kernel of this name (magic)", "\"kernel\":\"libtorch\"", "\"kernel\":\"magic\"")]
    [InlineData("""{"schema":1,"kernels":[ROW]}""", "line 1: ", "input_gradient", "sideways")]
    public void Parse_WhatIsNoTable_SaysWhy(string text, string beginning, string part = "-", string other = "-")
    {
        FormatException error = Assert.Throws<FormatException>(() => KernelTableFile.Parse(text.Replace("ROW", Row.Replace(part, other, StringComparison.Ordinal), StringComparison.Ordinal)));

        Assert.StartsWith(beginning, error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Message);
    }
}
