using Convoy.Lanes.Evaluation;

namespace Convoy.Lanes.Tests.Evaluation;

public sealed class TuSimplePredictionFileTests : IDisposable
{
    private const string Good = """{"raw_file":"clips\/a\/20.jpg","lanes":[[-2,632.5],[1,2]],"h_samples":[10,20],"run_time":12.5}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_GoodLine_GivesFrameLanesTimeAndSource()
    {
        string path = _folder.Write("pred.json", Good + "\n" + Good);
        IReadOnlyList<TuSimplePrediction> read = TuSimplePredictionFile.Read(path);
        Assert.Equal(2, read.Count);
        Assert.Equal("clips/a/20.jpg", read[1].RawFile);
        Assert.Equal([[-2, 632.5], [1, 2]], read[1].Lanes);
        Assert.Equal(12.5, read[1].RunTimeMilliseconds);
        Assert.Equal($"{path}, line 2", read[1].Source);
    }

    [Theory]
    [InlineData("""{"raw_file":"a","lanes":[[1,2""", "a prediction is not valid JSON: its line ends in the middle of it")]
    [InlineData("[1]", "a prediction is not a JSON object")]
    [InlineData("""{"raw_file":"a","lanes":[[NaN]],"run_time":1}""", "NaN is not a number in JSON")]
    [InlineData("""{"lanes":[],"run_time":1}""", "lacks raw_file")]
    [InlineData("""{"raw_file":"a","run_time":1}""", "lacks lanes")]
    [InlineData("""{"raw_file":"a","lanes":[]}""", "lacks run_time")]
    [InlineData("""{"raw_file":3,"lanes":[],"run_time":1}""", "raw_file must be a string")]
    [InlineData("""{"raw_file":"a","lanes":{},"run_time":1}""", "lanes must be a list of lists")]
    [InlineData("""{"raw_file":"a","lanes":[5],"run_time":1}""", "a lane must be a list of numbers")]
    [InlineData("""{"raw_file":"a","lanes":[["5"]],"run_time":1}""", "a lane's x must be a number")]
    [InlineData("""{"raw_file":"a","lanes":[[1e999]],"run_time":1}""", "a lane's x must be a number")]
    [InlineData("""{"raw_file":"a","lanes":[],"run_time":"fast"}""", "run_time must be a number")]
    [InlineData("""{"raw_file":"a\ud800","lanes":[],"run_time":1}""", "half of a character")]
    [InlineData("""{"raw_file":"a","lanes":[],"run_time":1,"\ud800":1}""", "half of a character")]
    public void Read_BadLine_NamesFileAndLine(string line, string what)
    {
        string path = _folder.Write("pred.json", $"{Good}\n{line}\n{Good}\n");
        string message = Assert.Throws<BadInputException>(() => TuSimplePredictionFile.Read(path)).Message;
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.Contains($"{path}, line 2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoObject_SaysWhatAPredictionConsistsOf()
    {
        string path = _folder.Write("pred.json", """{"lanes": lanes}""");

        Assert.Equal(
            $"a prediction is not valid JSON: lanes is unexpected ({path}, line 1, column 11). Give an object with raw_file, lanes and run_time, as in TuSimple's files.",
            Assert.Throws<BadInputException>(() => TuSimplePredictionFile.Read(path)).Message);
    }

    [Theory]
    [InlineData("[GOOD,\n GOOD]\n")]
    [InlineData("GOOD GOOD")]
    [InlineData("\uFEFFGOOD\n\nGOOD\n")]
    public void Read_OfAList_OfOneLine_AndBehindAMark_GivesThePredictions(string text)
    {
        string path = _folder.Write("pred.json", text.Replace("GOOD", Good, StringComparison.Ordinal));
        Assert.Equal(["clips/a/20.jpg", "clips/a/20.jpg"], TuSimplePredictionFile.Read(path).Select(prediction => prediction.RawFile));
    }

    [Fact]
    public void Read_OfDamagedFiles_GivesPredictionsOrABadInputException()
    {
        string whole = $"{Good}\n{Good.Replace("-2", "-1e2", StringComparison.Ordinal)}\n";
        var random = new Random(20);
        for (int i = 0; i < 500; i++)
        {
            string path = _folder.File("damaged.json");
            File.WriteAllBytes(path, Mutant.Of(whole, random));
            try
            {
                Assert.All(TuSimplePredictionFile.Read(path, requireRunTime: i % 2 == 0), prediction => Assert.NotNull(prediction.RawFile));
            }
            catch (BadInputException error)
            {
                Assert.Contains(path, error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Read_NoFile_NamesIt()
    {
        Assert.Contains(_folder.File("none"), Assert.Throws<BadInputException>(() => TuSimplePredictionFile.Read(_folder.File("none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Predictions_AreReadBackTheSame()
    {
        string path = _folder.File("out.json");
        TuSimplePrediction prediction = new("clips/ü/\"20\".jpg", [[-2, 0.1 + 0.2], []], 41.25);
        TuSimplePredictionFile.Write(path, [prediction, prediction]);
        IReadOnlyList<TuSimplePrediction> read = TuSimplePredictionFile.Read(path);
        Assert.Equal(2, read.Count);
        Assert.Equal(prediction.RawFile, read[1].RawFile);
        Assert.Equal(prediction.Lanes, read[1].Lanes);
        Assert.Equal(prediction.RunTimeMilliseconds, read[1].RunTimeMilliseconds);
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public void Write_NotANumber_LeavesTheEarlierFile()
    {
        string path = _folder.Write("out.json", "earlier");
        Assert.Throws<BadInputException>(() => TuSimplePredictionFile.Write(path, [new("a", [[double.NaN]], 1)]));
        Assert.Equal("earlier", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public void Write_MissingFolder_IsBadInput()
    {
        Assert.Throws<BadInputException>(() => TuSimplePredictionFile.Write(_folder.File("no/out.json"), []));
    }
}
