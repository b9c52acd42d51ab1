using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// A question of an MPI library to its process manager, as PMI-1 writes it on one line: <c>cmd=NAME KEY=VALUE ...</c>. A value ends at the first space
/// that no backslash stands before; a word without <c>=</c> says nothing here.
/// </summary>
internal sealed class PmiCommand
{
    private const string Prefix = "cmd=";
    private const string Message = "message=";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_-");

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private PmiCommand(string name) => Name = name;

    /// <summary>What is asked for: <c>init</c>, <c>put</c>, ...</summary>
    public string Name { get; }

    /// <summary>The value of a key, or null when the command does not have it.</summary>
    public string? this[string key] => _values.GetValueOrDefault(key);

    /// <summary>Reads a line, without its end.</summary>
    /// <returns>Whether it is a command.</returns>
    public static bool TryParse(string line, [NotNullWhen(true)] out PmiCommand? command)
    {
        command = null;
        if (!line.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        int position = Prefix.Length;
        string name = Word(line, ref position);
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            return false;
        }

        command = new PmiCommand(name);
        while (position < line.Length)
        {
            // Why a library gives up is a text with spaces, and comes last.
            if (string.CompareOrdinal(line, position, Message, 0, Message.Length) == 0)
            {
                command._values[Message[..^1]] = line[(position + Message.Length)..];
                break;
            }

            string word = Word(line, ref position);
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                command._values[word[..equals]] = word[(equals + 1)..];
            }
        }

        return true;
    }

    // The word at the position, which moves behind the spaces that follow it. Backslashes stay: a value goes back to a library as one has written it.
    private static string Word(string line, ref int position)
    {
        int start = position;
        while (position < line.Length && line[position] != ' ')
        {
            position += line[position] == '\\' && position + 1 < line.Length ? 2 : 1;
        }

        string word = line[start..position];
        while (position < line.Length && line[position] == ' ')
        {
            position++;
        }

        return word;
    }
}
