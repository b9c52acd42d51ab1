using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

public sealed class CommandLineReaderTests
{
    [Theory]
    [InlineData("", "{}")]
    [InlineData("--seed 5", """{"seed":5}""")]
    [InlineData("--seed=5", """{"seed":5}""")]
    [InlineData("--seed -5", """{"seed":-5}""")]
    [InlineData("--batch_size 4", """{"batch_size":4}""")]
    [InlineData("--seed 1 --seed 2", """{"seed":2}""")]
    [InlineData("--augment", """{"augment":true}""")]
    [InlineData("--no-augment", """{"augment":false}""")]
    [InlineData("--no_augment", """{"augment":false}""")]
    [InlineData("--augment=false", """{"augment":false}""")]
    [InlineData("--no-augment --augment", """{"augment":true}""")]
    [InlineData("--last true", """{"last":true}""")]
    [InlineData("--nproc auto --count 3", """{"nproc":"auto","count":3}""")]
    [InlineData("--note=a=b", """{"note":"a=b"}""")]
    [InlineData("--note --seed", """{"note":"--seed"}""")]
    public void Read_Options_AreTheirSettings(string words, string json)
    {
        CommandLineReader reader = Reader();

        reader.Read(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(json, reader.Settings.ToJsonString());
    }

    [Fact]
    public void Read_OtherOptions_AreAtHandByName()
    {
        CommandLineReader reader = Reader();

        reader.Read(["--out", "a b", "--verbose", "--seed", "3"]);

        Assert.Equal(("a b", string.Empty, null), (reader.Value("--out"), reader.Value("--verbose"), reader.Value("--resume")));
        Assert.Equal("""{"seed":3}""", reader.Settings.ToJsonString());
    }

    [Theory]
    [InlineData("--sed 5", "unknown option (--sed). Did you mean --seed? --help lists them all.")]
    [InlineData("--no-augmnt", "unknown option (--no-augmnt). Did you mean --no-augment? --help lists them all.")]
    [InlineData("--batch_siz=5", "unknown option (--batch_siz). Did you mean --batch-size? --help lists them all.")]
    [InlineData("--colour", "unknown option (--colour). --help lists them all.")]
    [InlineData("--no-seed", "unknown option (--no-seed). --help lists them all.")]
    [InlineData("my_data", "one argument too many (my_data). Put quotes around a value that holds spaces; --help shows what is taken.")]
    [InlineData("--seed", "an option has no value (--seed). Write one after --seed.")]
    [InlineData("--out", "an option has no value (--out). Write one after --out.")]
    [InlineData("--seed x", "not a whole number (--seed x). Write a whole number after --seed.")]
    [InlineData("--nproc 0", "--nproc must be at least 1 (got 0).")]
    public void Read_WrongWords_SaysWhatAndWhatToDo(string words, string message) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => Reader().Read(words.Split(' '))).Message);

    private static CommandLineReader Reader() =>
        new CommandLineReader(OptionTable.For(typeof(OptionTableTests.Settings)), TrainingOptions.Table).With("--out").With("--resume").With("--verbose", takesValue: false);
}
