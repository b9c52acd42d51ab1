using System.CommandLine;

namespace Convoy.Cli.Tests;

public sealed class UsageErrorTests
{
    [Theory]
    [InlineData("train --nproc abc", "not a whole number (--nproc abc). Write a whole number after --nproc; 'convoy train --help' shows how.")]
    [InlineData("train --nproc", "an option has no value (--nproc). Write a whole number after it; 'convoy train --help' shows how.")]
    [InlineData("train --lr fast --out d", "not a number (--lr fast). Write a number after --lr; 'convoy train --help' shows how.")]
    [InlineData("train", "a required option is missing (--out). Give it a value; 'convoy train --help' shows how.")]
    [InlineData("train --npro 2 --out d", "unknown option (--npro). Did you mean --nproc? 'convoy train --help' lists them all.")]
    [InlineData("train --workres=3 --out d", "unknown option (--workres). Did you mean --workers? 'convoy train --help' lists them all.")]
    [InlineData("data chekc d", "unknown verb (chekc). Did you mean check? 'convoy data --help' lists them all.")]
    [InlineData("data check", "an argument is missing (DIR). 'convoy data check --help' shows what is taken.")]
    [InlineData("train --workers 99 --out d", "too many workers (99). Give at most 64. 'convoy train --help' shows what is taken.")]
    public void Describe_BadCommandLine_SaysWhatAndWhatToDo(string commandLine, string expected) =>
        Assert.Equal(expected, UsageError.Describe(Tree().Parse(commandLine.Split(' '))));

    private static RootCommand Tree()
    {
        var workers = new Option<int>("--workers");
        workers.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() > 64)
            {
                result.AddError($"too many workers ({result.GetValueOrDefault<int>()}). Give at most 64.");
            }
        });
        var train = new Command("train") { new Option<int>("--nproc"), new Option<double>("--lr"), new Option<string>("--out") { Required = true }, workers };
        train.SetAction(_ => 0);
        var check = new Command("check") { new Argument<string>("DIR") };
        check.SetAction(_ => 0);
        return new RootCommand { train, new Command("data") { check } };
    }
}
