using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrialFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-trials-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"SecondsEach":2,"SecondsLeft":""")]
    [InlineData("""{"SecondsEach":2,"SecondsLeft":30,"Memory":{"LimitBytes":5,"Known":null}}""")]
    [InlineData("""{"SecondsEach":2,"SecondsLeft":30,"Memory":{"LimitBytes":0,"Known":[]}}""")]
    [InlineData("""{"SecondsEach":2,"SecondsLeft":30,"Memory":{"LimitBytes":5,"Known":[null]}}""")]
    [InlineData("""{"SecondsEach":null,"SecondsLeft":30}""")]
    public void ReadAllowance_OfADamagedFile_NamesIt(string text)
    {
        string file = Path.Combine(_folder, "allowance.json");
        File.WriteAllText(file, text);

        BadInputException error = Assert.Throws<BadInputException>(new TrialFolder(_folder).ReadAllowance);

        Assert.StartsWith($"the trials' allowance cannot be read ({file}). Start 'convoy tune' again: ", error.Message);
    }
}
