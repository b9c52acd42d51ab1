using System.Text.Json;

namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Where a value stands in a JSON text.</summary>
/// <param name="Start">Its first byte: of the name, when it belongs to one.</param>
/// <param name="Value">The first byte of the value itself.</param>
/// <param name="End">The byte after it.</param>
/// <param name="Kind">What it begins with.</param>
internal readonly record struct JsonSpan(int Start, int Value, int End, JsonTokenType Kind)
{
    private static readonly JsonReaderOptions Lenient = new() { AllowMultipleValues = true, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 10_000 };

    /// <summary>Whether it is the value of a name.</summary>
    public bool HasName => Value > Start;

    /// <summary>All values of a text, also of one with a value a line; as many as there are up to the first mistake.</summary>
    public static List<JsonSpan> All(byte[] text)
    {
        var found = new List<JsonSpan>();
        var open = new Stack<(int Start, int Value, JsonTokenType Kind)>();
        int name = -1;
        try
        {
            var reader = new Utf8JsonReader(text, Lenient);
            while (reader.Read())
            {
                int at = (int)reader.TokenStartIndex, end = (int)reader.BytesConsumed;
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        name = at;
                        continue;
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        open.Push((name >= 0 ? name : at, at, reader.TokenType));
                        break;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        (int start, int value, JsonTokenType kind) = open.Pop();
                        found.Add(new JsonSpan(start, value, end, kind));
                        break;
                    default:
                        found.Add(new JsonSpan(name >= 0 ? name : at, at, end, reader.TokenType));
                        break;
                }

                name = -1;
            }
        }
        catch (JsonException)
        {
            // An earlier mutation of the same text broke it; what stands before that can still be changed.
            return found;
        }

        return found;
    }
}
