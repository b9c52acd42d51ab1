using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Torch.Nn;

namespace Convoy.Training.Options;

/// <summary>Which operations run by Convoy's own kernels, and who chooses the kernels of convolutions: <c>--fuse</c>.</summary>
/// <param name="Operations">The groups of operations.</param>
/// <param name="Measures">Whether kernels of convolutions are chosen by measurement on this machine.</param>
/// <param name="Table">The absolute path of the file that names kernels of convolutions; null for none.</param>
[JsonConverter(typeof(FuseSettingConverter))]
public sealed record FuseSetting(FusedOperations Operations, bool Measures = false, string? Table = null)
{
    /// <summary>What a value must be.</summary>
    internal const string Kind = "auto, fixed, none, names from norm, decoder, loss, optimizer, convolution, separated by commas, or the path of a table of kernels";

    private const string AutoName = "auto", FixedName = "fixed";
    private const string TableExtension = ".json";

    /// <summary>All operations, convolutions by the kernels that are the fastest on this machine. The default of every run.</summary>
    public static FuseSetting Auto { get; } = new(FusedOperations.All, Measures: true);

    /// <summary>All operations, convolutions by a choice that is the same on every processor.</summary>
    public static FuseSetting Fixed { get; } = new(FusedOperations.All);

    /// <summary>Operations by name, convolutions by the fixed choice.</summary>
    public static implicit operator FuseSetting(FusedOperations operations) => FromFusedOperations(operations);

    /// <summary>Operations by name, convolutions by the fixed choice.</summary>
    public static FuseSetting FromFusedOperations(FusedOperations operations) => new(operations);

    /// <summary>Whether a group of operations runs by Convoy's kernels.</summary>
    public bool Has(FusedOperations operations) => Operations.HasFlag(operations);

    /// <summary>Reads what stands after <c>--fuse</c>.</summary>
    /// <param name="text"><c>auto</c>, <c>fixed</c> or <c>all</c>, <c>none</c>, names separated by commas, or the path of a table of kernels: with a slash, or with <c>.json</c> at its end.</param>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static FuseSetting Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Contains('/', StringComparison.Ordinal) || text.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) || text.EndsWith(TableExtension, StringComparison.OrdinalIgnoreCase))
        {
            return new FuseSetting(FusedOperations.All, Table: Path.GetFullPath(text));
        }

        return text.ToLowerInvariant() switch
        {
            AutoName => Auto,
            FixedName => Fixed,
            var names => EnumNameConverter<FusedOperations>.Parse(names.Replace('+', ',')) is { } operations ? new FuseSetting(operations) : throw new FormatException($"it is not {Kind} (got {text})"),
        };
    }

    /// <summary>As it is written after <c>--fuse</c>.</summary>
    public override string ToString() => Table
        ?? (Measures ? AutoName
        : Operations == FusedOperations.All ? FixedName
        : EnumNameConverter<FusedOperations>.Format(Operations).Replace(", ", ",", StringComparison.Ordinal));
}

/// <summary><see cref="FuseSetting"/> as text.</summary>
internal sealed class FuseSettingConverter : JsonConverter<FuseSetting>
{
    /// <inheritdoc/>
    public override FuseSetting Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return FuseSetting.Parse(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException("Give text."));
        }
        catch (FormatException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, FuseSetting value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
