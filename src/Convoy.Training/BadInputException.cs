namespace Convoy.Training;

/// <summary>
/// Something that the user gave is wrong: a file, a folder or a setting. The message is one line that says what was
/// wrong, the value, and what to do: <c>WHAT (value). WHAT TO DO</c>.
/// </summary>
public sealed class BadInputException : Exception
{
    /// <param name="what">What is wrong, without the value and without a full stop.</param>
    /// <param name="value">The value as the user would recognise it: a path, a number, a line.</param>
    /// <param name="remedy">What to do about it: one sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public BadInputException(string what, string value, string remedy, Exception? inner = null)
        : base($"{what} ({value}). {remedy}", inner)
    {
    }
}
