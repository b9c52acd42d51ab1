using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Torch.Amp;
using Convoy.Training.Options;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// A checkpoint's <c>state.json</c> as a file: the state, and under <c>sha256</c> the SHA-256 of every file of the checkpoint in
/// lower-case hexadecimal digits, its own among them. That one is of the file with 64 zeros in its place.
/// </summary>
internal static class CheckpointStateFile
{
    /// <summary>The file's name.</summary>
    public const string Name = "state.json";

    private const string StepName = "step", ElapsedName = "elapsed_time", ScalerName = "grad_scaler", MetricsName = "metrics", SumsName = "sha256";
    private const long LargestFile = 1 << 20;
    private static readonly string NoSum = new('0', 2 * SHA256.HashSizeInBytes);
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    // A node with a name twice is no error until somebody asks for one of its names.
    private static readonly JsonDocumentOptions OnceEach = new() { AllowDuplicateProperties = false };

    /// <summary>Writes the state with the sums of <paramref name="names"/>, which are written already, and flushes it.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="state">The state.</param>
    /// <param name="names">The other files.</param>
    public static void Write(string folder, CheckpointState state, IReadOnlyList<string> names)
    {
        JsonObject json = ToJson(state);
        var sums = new JsonObject();
        foreach (string name in names)
        {
            sums[name] = SumOf(Path.Combine(folder, name));
        }

        sums[Name] = NoSum;
        json[SumsName] = sums;
        byte[] bytes = Encoding.UTF8.GetBytes(json.ToJsonString(Format));
        if (bytes.Length > LargestFile)
        {
            throw new InvalidOperationException(FormattableString.Invariant($"the state in a checkpoint has {bytes.Length} bytes as JSON, more than {LargestFile}. Keep large things as tensors of a part of their own."));
        }

        int place = bytes.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes(NoSum)); // A program's own entries, which come before, may have zeros.
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.AsSpan(place));
        using FileStream stream = File.Create(Path.Combine(folder, Name));
        stream.Write(bytes);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Reads the state and the other files' sums, which checkpoints of versions before the sums do not have.</summary>
    /// <exception cref="FormatException">It is no state of a checkpoint, or not as it was written; the message says what is wrong with it.</exception>
    public static (CheckpointState State, IReadOnlyDictionary<string, string>? Sums) Read(string folder)
    {
        byte[] bytes = ReadBytes(Path.Combine(folder, Name));
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException($"{Name} is no JSON object");
            }

            Dictionary<string, string>? sums = root.TryGetProperty(SumsName, out JsonElement own) ? Sums(own, bytes) : null;
            return (StateOf(root), sums);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The reader's second kind is for text that is no Unicode.
            throw new FormatException($"{Name} is no JSON text", error);
        }
    }

    /// <summary>The SHA-256 of a file.</summary>
    public static string SumOf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static byte[] ReadBytes(string path)
    {
        var file = new FileInfo(path);
        return !file.Exists ? throw new FormatException($"it has no {Name}")
            : file.Length > LargestFile ? throw new FormatException($"{Name} has {file.Length} bytes")
            : File.ReadAllBytes(path);
    }

    private static Dictionary<string, string> Sums(JsonElement sums, byte[] bytes)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty entry in sums.ValueKind == JsonValueKind.Object ? sums.EnumerateObject() : default)
        {
            read[entry.Name] = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : throw new FormatException($"{Name} has a sum that is no text");
        }

        if (!read.Remove(Name, out string? own) || own.Length != NoSum.Length || bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(own)) is not (>= 0 and int place))
        {
            throw new FormatException($"{Name} has no SHA-256 of itself");
        }

        byte[] signed = [.. bytes];
        Encoding.ASCII.GetBytes(NoSum, signed.AsSpan(place));
        return Convert.ToHexStringLower(SHA256.HashData(signed)) == own ? read : throw new FormatException($"{Name} is not as it was written, its SHA-256 differs");
    }

    private static JsonObject ToJson(CheckpointState state)
    {
        var json = new JsonObject { [StepName] = state.Step };
        foreach ((string name, JsonNode? value) in state.Task ?? [])
        {
            json[name] = value?.DeepClone();
        }

        json[ElapsedName] = state.ElapsedTime;
        if (state.GradScaler is not null)
        {
            json[ScalerName] = Numbers(state.GradScaler);
        }

        if (state.Metrics is not null)
        {
            json[MetricsName] = Numbers(state.Metrics.Where(metric => double.IsFinite(metric.Value)));
        }

        return json;
    }

    private static JsonObject Numbers(IEnumerable<KeyValuePair<string, double>> values) => new(values.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)JsonValue.Create(entry.Value))));

    private static CheckpointState StateOf(JsonElement root) => new()
    {
        Step = Value(root, StepName) is { ValueKind: JsonValueKind.Number } step && step.TryGetInt64(out long number) && number >= 0
            ? number
            : throw Wrong(root, StepName, "a number of steps"),
        ElapsedTime = Value(root, ElapsedName) is { } elapsed && Number(elapsed) is >= 0 and { } seconds ? seconds : throw Wrong(root, ElapsedName, "a number of seconds"),
        GradScaler = Value(root, ScalerName) is { } scaler ? Scaler(root, scaler) : null,
        Metrics = Value(root, MetricsName) is { } metrics ? Numbers(root, MetricsName, metrics) : null,
        Task = TaskOf(root),
    };

    // What is none of Convoy's own entries is the task's.
    private static JsonObject? TaskOf(JsonElement root)
    {
        var task = new JsonObject();
        foreach (JsonProperty entry in root.EnumerateObject().Where(entry => entry.Name is not (StepName or ElapsedName or ScalerName or MetricsName or SumsName)))
        {
            task[entry.Name] = SettingsFile.IsUnicode(entry.Value) ? JsonNode.Parse(entry.Value.GetRawText(), documentOptions: OnceEach) : throw new FormatException($"{Name} is no JSON text");
        }

        return task.Count > 0 ? task : null;
    }

    private static Dictionary<string, double> Numbers(JsonElement root, string name, JsonElement numbers)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (JsonProperty entry in numbers.ValueKind == JsonValueKind.Object ? numbers.EnumerateObject() : throw Wrong(root, name, "an object of numbers"))
        {
            values[entry.Name] = Number(entry.Value) ?? throw Wrong(root, name, "an object of numbers");
        }

        return values;
    }

    private static Dictionary<string, double> Scaler(JsonElement root, JsonElement scaler)
    {
        Dictionary<string, double> values = Numbers(root, ScalerName, scaler);
        try
        {
            new GradScaler().LoadStateDict(values);
            return values;
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            throw new FormatException($"{Name}: grad_scaler is wrong: {error.Message}", error);
        }
    }

    // Null stands for absent where a value may be absent, and for what is wrong where it may not.
    private static JsonElement? Value(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : null;

    private static FormatException Wrong(JsonElement root, string name, string expected) =>
        new(root.TryGetProperty(name, out JsonElement value)
            ? $"{Name}: {name} is {BadInputException.Excerpt(value.GetRawText())}, not {expected}"
            : $"{Name} has no {name}");
}
