using System.Globalization;
using System.Text.Json;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Where a worker says why it fails, the moment it knows: the file that TORCHELASTIC_ERROR_FILE names, in torchrun's
/// form. The launcher needs it to tell the root cause: the rank that fails first is not always the first to end.
/// </summary>
/// <remarks>
/// The form is that of <c>torch.distributed.elastic.multiprocessing.errors</c>:
/// <c>{"message":{"message":"...","extraInfo":{"py_callstack":"...","timestamp":"1700000000"}}}</c>; the call stack begins
/// with the exception's type, whatever its language, and <c>peer_lost</c> is Convoy's own.
/// </remarks>
public static class WorkerErrorFile
{
    internal const string Variable = "TORCHELASTIC_ERROR_FILE";

    private const string PeerLost = "peer_lost";
    private const string Callstack = "py_callstack";

    /// <summary>
    /// Records <paramref name="error"/>, to be called before the process group is disposed, which the other ranks notice.
    /// Does nothing when no launcher asks for it, or when an earlier error is recorded.
    /// </summary>
    public static void Record(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        RecordWhereAsked(error, hasLostPeer: false);
    }

    /// <summary><see cref="Record(Exception)"/>, for an error of which more is known than its type says.</summary>
    /// <param name="error">The error.</param>
    /// <param name="hasLostPeer">Whether it is that another rank was lost, as a <see cref="PeerLostException"/> is by its type.</param>
    internal static void RecordWhereAsked(Exception error, bool hasLostPeer)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path)
        {
            Record(error, path, hasLostPeer);
        }
    }

    /// <summary>Records <paramref name="error"/> in <paramref name="path"/>.</summary>
    internal static void Record(Exception error, string path, bool hasLostPeer = false)
    {
        string unfinished = path + ".tmp";
        try
        {
            using (FileStream stream = File.Create(unfinished))
            using (var json = new Utf8JsonWriter(stream))
            {
                json.WriteStartObject();
                json.WriteStartObject("message");
                json.WriteString("message", error.Message);
                json.WriteStartObject("extraInfo");
                json.WriteString(Callstack, error.ToString());
                json.WriteString("timestamp", TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
                json.WriteBoolean(PeerLost, hasLostPeer || error is PeerLostException);
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndObject();
            }

            File.Move(unfinished, path, overwrite: false);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            // An earlier error is there, or the launcher is gone with its folder. The error itself is on its way and must
            // not be hidden by this one.
            if (File.Exists(unfinished))
            {
                File.Delete(unfinished);
            }
        }
    }

    /// <summary>What a worker recorded; null when it recorded nothing, or a foreign program something that is not of this form.</summary>
    internal static WorkerError? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement message = document.RootElement.GetProperty("message");
            string? text = message.ValueKind == JsonValueKind.String ? message.GetString() : message.GetProperty("message").GetString();
            JsonElement extra = default;
            bool detailed = message.ValueKind == JsonValueKind.Object && message.TryGetProperty("extraInfo", out extra) && extra.ValueKind == JsonValueKind.Object;
            bool peerLost = detailed && extra.TryGetProperty(PeerLost, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            string? callstack = detailed && extra.TryGetProperty(Callstack, out JsonElement stack) && stack.ValueKind == JsonValueKind.String ? stack.GetString() : null;

            // The file's own time: torchrun's time stamp has whole seconds only.
            return text is null ? null : new WorkerError(text, File.GetLastWriteTimeUtc(path), peerLost, callstack);
        }
        catch (Exception foreign) when (foreign is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>What a worker said of its failure in its <see cref="WorkerErrorFile"/>.</summary>
/// <param name="Message">The error's message.</param>
/// <param name="Time">When it was recorded.</param>
/// <param name="PeerLost">Whether it is that another rank was lost, which that rank's own failure explains better.</param>
/// <param name="Callstack">The exception's type and where it was thrown, or null.</param>
internal sealed record WorkerError(string Message, DateTime Time, bool PeerLost, string? Callstack);
