using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>A <see cref="KernelTable"/> as a JSON file, a line for each choice, so that people can read, compare and edit it.</summary>
public static class KernelTableFile
{
    private const int Schema = 1;
    private const string Float32 = "float32", BFloat16 = "bfloat16";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter<ConvolutionPass>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The text of a table.</summary>
    /// <param name="table">The table.</param>
    public static string Format(KernelTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        IEnumerable<string> lines = table.Choices.Select(choice => "    " + JsonSerializer.Serialize(Row.Of(choice), Json));
        return $"{{\n  \"schema\": {Schema},\n  \"kernels\": [\n{string.Join(",\n", lines)}\n  ]\n}}\n";
    }

    /// <summary>Reads a table.</summary>
    /// <param name="text">What <see cref="Format"/> gave.</param>
    /// <exception cref="FormatException">It is no such table, or names a kernel that this version does not have; the message says what is wrong and where.</exception>
    public static KernelTable Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            Document document = JsonSerializer.Deserialize<Document>(text, Json) ?? throw new FormatException("it is empty");
            if (document.Schema != Schema || document.Kernels is null)
            {
                throw new FormatException($"it has no kernels in the form that this version reads (schema {document.Schema}, expected {Schema})");
            }

            return new KernelTable(document.Kernels.Select((row, index) => (row ?? throw new FormatException($"kernel {index + 1} is null")).ToChoice(index + 1)));
        }
        catch (JsonException error)
        {
            throw new FormatException($"line {error.LineNumber + 1}: {error.Message}", error);
        }
        catch (ArgumentException error)
        {
            throw new FormatException(error.Message, error);
        }
    }

    private sealed record Document(int Schema, IReadOnlyList<Row?>? Kernels);

    // Milliseconds: people read them.
    private sealed record Row(long[]? Input, long[]? Weight, long[]? Stride, long[]? Padding, string? Dtype, ConvolutionPass Pass, string? Kernel, IReadOnlyDictionary<string, double>? Milliseconds)
    {
        public static Row Of(KernelChoice choice)
        {
            ConvolutionShape s = choice.Key.Shape;
            return new Row(
                [s.Batch, s.InChannels, s.Height, s.Width], [s.OutChannels, s.InChannels, s.KernelHeight, s.KernelWidth], s.Strides, s.Paddings, choice.Key.Dtype == ScalarType.BFloat16 ? BFloat16 : Float32, choice.Key.Pass, choice.Kernel,
                choice.Seconds?.ToDictionary(entry => entry.Key, entry => Math.Round(entry.Value * 1e3, 4)));
        }

        public KernelChoice ToChoice(int number)
        {
            bool isWhole = Kernel is not null && Dtype is Float32 or BFloat16 && Input is [> 0, > 0, > 0, > 0] && Weight is [> 0, > 0, > 0, > 0] && Stride is [> 0, > 0] && Padding is [>= 0, >= 0] && Weight[1] == Input[1]
                && Input.Concat(Weight).Concat(Stride).Concat(Padding).All(size => size <= int.MaxValue);
            if (!isWhole)
            {
                throw new FormatException($"kernel {number} lacks input [N, C, H, W], weight [K, C, R, S], stride, padding, dtype (float32 or bfloat16) or kernel");
            }

            var shape = new ConvolutionShape(
                (int)Input![0], (int)Input[1], (int)Input[2], (int)Input[3], (int)Weight![0], (int)Weight[2], (int)Weight[3], (int)Stride![0], (int)Stride[1], (int)Padding![0], (int)Padding[1]);
            return new KernelChoice(new ConvolutionKey(shape, Dtype == BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32, Pass), Kernel!, Milliseconds?.ToDictionary(entry => entry.Key, entry => entry.Value / 1e3));
        }
    }
}
