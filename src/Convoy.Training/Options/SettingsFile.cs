using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convoy.Training.Options;

/// <summary>Reads the JSON object of a file with settings, and refuses text that no setting can have.</summary>
public static class SettingsFile
{
    private const string HalfPair = "Correct it: half of a surrogate pair (\\ud800 to \\udfff) stands alone.";

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">What the JSON may have beyond the standard.</param>
    /// <exception cref="BadInputException">It is no JSON object, or a name or a value has characters that no name, path or number has.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static JsonObject Read(string path, JsonDocumentOptions format = default)
    {
        try
        {
            string text = File.ReadAllText(path);
            using JsonDocument document = JsonDocument.Parse(text, format);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new BadInputException("the configuration is no JSON object", path, "Write it as {\"nproc\": 2, \"precision\": \"bf16\"}.");
            }

            foreach (JsonProperty setting in document.RootElement.EnumerateObject())
            {
                Check(setting, path);
            }

            return JsonObject.Create(document.RootElement.Clone())!;
        }
        catch (JsonException error)
        {
            throw new BadInputException("the configuration cannot be read", path, $"Correct it: {error.Message}", error);
        }
        catch (InvalidOperationException error)
        {
            // Names are compared with each other while the text is read.
            throw new BadInputException("a setting's name is no Unicode text", path, HalfPair, error);
        }
    }

    private static void Check(JsonProperty setting, string path)
    {
        string name = Text(() => setting.Name) ?? throw new BadInputException("a setting's name is no Unicode text", path, HalfPair);
        if (!IsUnicode(setting.Value))
        {
            throw new BadInputException("a setting's value is no Unicode text", $"{name} in {path}", HalfPair);
        }

        if (setting.Value.ValueKind == JsonValueKind.String && setting.Value.GetString()!.Contains('\0'))
        {
            throw new BadInputException("a setting's value has the character NUL (\\u0000), which no path can have", $"{name} in {path}", "Take it out.");
        }
    }

    /// <summary>Whether all text in a value is Unicode; the JSON reader finds half of a surrogate pair only when the text is asked for.</summary>
    internal static bool IsUnicode(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Text(value.GetString) is not null,
        JsonValueKind.Array => value.EnumerateArray().All(IsUnicode),
        JsonValueKind.Object => value.EnumerateObject().All(member => Text(() => member.Name) is not null && IsUnicode(member.Value)),
        _ => true,
    };

    // The reader's only word for it.
    private static string? Text(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
