using System.Globalization;
using System.Text.Json;
using Convoy.Metrics;
using Convoy.Torch.Convolution;
using Convoy.Training;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks.Convolutions;

/// <summary>What <c>convoy bench convolution</c> measures.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="Precisions">The types of the features, by their names on the command line.</param>
/// <param name="Processes">Processes that compute at the same time.</param>
/// <param name="Threads">libtorch's threads in each.</param>
/// <param name="Repeats">Calls of each kernel that count.</param>
internal sealed record ConvolutionSettings(ConvolutionShape Shape, IReadOnlyList<string> Precisions, int Processes, int Threads, int Repeats)
{
    private const int MostProcesses = 1024, MostRepeats = 10_000;

    // Input, result, a gradient, what kernels lay out anew, and what Winograd's has twice over.
    private const long CopiesOfTensors = 6;

    /// <summary>The types that kernels are chosen for.</summary>
    public static IReadOnlyDictionary<string, ScalarType> Types { get; } = new Dictionary<string, ScalarType> { ["fp32"] = ScalarType.Float32, ["bf16"] = ScalarType.BFloat16 };

    /// <summary>Reads the sizes as they are written for a PyTorch layer.</summary>
    /// <param name="input"><c>NxCxHxW</c>.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="kernel">One number for both, or <c>HxW</c>.</param>
    /// <param name="stride">The same.</param>
    /// <param name="padding">The same.</param>
    /// <exception cref="BadInputException">It is none, or there is no such convolution.</exception>
    public static ConvolutionShape ReadShape(string input, int outChannels, string kernel, string stride, string padding)
    {
        int[] sizes = Numbers(input) is [> 0, > 0, > 0, > 0] four ? four : throw new BadInputException($"--input must be NxCxHxW, four whole numbers above 0 (got {BadInputException.Excerpt(input)}).");
        CommandLineChecks.InRange("--out-channels", outChannels, 1, int.MaxValue);
        (int kernelHeight, int kernelWidth) = Pair("--kernel", kernel, 1);
        (int strideHeight, int strideWidth) = Pair("--stride", stride, 1);
        (int paddingHeight, int paddingWidth) = Pair("--padding", padding, 0);
        if (sizes[2] + (2L * paddingHeight) < kernelHeight || sizes[3] + (2L * paddingWidth) < kernelWidth)
        {
            throw new BadInputException("the kernel is larger than the padded input", $"--kernel {kernel}, --input {input}, --padding {padding}", "Give a smaller kernel or more padding.");
        }

        var shape = new ConvolutionShape(sizes[0], sizes[1], sizes[2], sizes[3], outChannels, kernelHeight, kernelWidth, strideHeight, strideWidth, paddingHeight, paddingWidth);
        double[] elements = [Product(sizes), Product(shape.Batch, shape.OutChannels, shape.OutHeight, shape.OutWidth), Product(shape.OutChannels, shape.InChannels, kernelHeight, kernelWidth)];
        return elements.Max() <= int.MaxValue ? shape
            : throw new BadInputException("a tensor of this convolution is too large", string.Create(CultureInfo.InvariantCulture, $"{elements.Max():0} elements"), $"Give sizes whose input, result and weights have at most {int.MaxValue} elements each.");
    }

    /// <summary>What <see cref="ToJson"/> wrote.</summary>
    public static ConvolutionSettings FromJson(string json) =>
        JsonSerializer.Deserialize<ConvolutionSettings>(json) ?? throw new BadInputException("no settings", json, "Start 'convoy bench convolution', which starts its processes itself.");

    /// <summary>The settings for a worker's command line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Refuses what cannot be measured.</summary>
    /// <exception cref="BadInputException">A value is out of its range, or the memory is too small.</exception>
    public void Check()
    {
        foreach (string name in Precisions.Where(name => !Types.ContainsKey(name)))
        {
            throw new BadInputException($"--precision must be {string.Join(" or ", Types.Keys)}, or both separated by a comma (got {BadInputException.Excerpt(name)}).");
        }

        CommandLineChecks.InRange("--nproc", Processes, 1, MostProcesses);
        CommandLineChecks.Threads(Threads);
        CommandLineChecks.InRange("--repeats", Repeats, 1, MostRepeats);
        double bytes = sizeof(float) * CopiesOfTensors * Processes * (Product(Shape.Batch, Shape.InChannels, Shape.Height, Shape.Width) + Product(Shape.Batch, Shape.OutChannels, Shape.OutHeight, Shape.OutWidth));
        long available = HostProbe.Read().MemoryAvailableBytes;
        if (bytes > available)
        {
            throw new BadInputException(
                "the memory that is free is too small for this convolution", string.Create(CultureInfo.InvariantCulture, $"about {bytes / 1e9:0.0} of {available / 1e9:0.0} GB"), "Give a smaller batch in --input, or a smaller --nproc.");
        }
    }

    private static (int Height, int Width) Pair(string option, string text, int least) => Numbers(text) switch
    {
        [var both] when both >= least => (both, both),
        [var height, var width] when height >= least && width >= least => (height, width),
        _ => throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"{option} must be a whole number of at least {least}, or two as HxW (got {BadInputException.Excerpt(text)}).")),
    };

    private static int[] Numbers(string text)
    {
        int[] numbers = [.. text.Split('x', 'X').Select(part => int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1)];
        return numbers.Contains(-1) ? [] : numbers;
    }

    private static double Product(params ReadOnlySpan<int> sizes)
    {
        double product = 1;
        foreach (int size in sizes)
        {
            product *= size;
        }

        return product;
    }
}
